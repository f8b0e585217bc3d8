# SPDX-License-Identifier: Apache-2.0
"""Ten steps of every optimizer, each option in turn."""
import numpy as np

from golden import Family, keras, tf, to_numpy

opt = keras.optimizers
schedules = opt.schedules
STEPS = 10
NAMES = ("kernel", "bias")
family = None


def data(dtype):
    r = np.random.default_rng(31)
    start = [r.uniform(-1, 1, (3, 4)), r.uniform(-1, 1, 4)]
    grads = [[r.normal(0, 1, (3, 4)), r.normal(0, 1, 4)] for _ in range(STEPS)]
    return [a.astype(dtype) for a in start], [[g.astype(dtype) for g in step] for step in grads]


def case(name, make, exclude=None, dtype="float32", scale=1.0, bad_steps=()):
    """Runs STEPS steps. scale multiplies the gradients; in bad_steps one of them is infinite."""
    keras.utils.clear_session()
    optimizer = make()
    if exclude:
        optimizer.exclude_from_weight_decay(**exclude)
    start, grads = data(dtype)
    grads = [[g * g.dtype.type(scale) for g in step] for step in grads]
    for i in bad_steps:
        grads[i][1][0] = np.inf
    variables = [keras.Variable(v, name=n, dtype=dtype) for v, n in zip(start, NAMES)]
    optimizer.build(variables)
    serialized = keras.saving.serialize_keras_object(optimizer)
    fields = dict(
        name=name, class_name=type(optimizer).__name__, config=serialized["config"], serialized=serialized,
        trainable_names=list(NAMES), exclude_from_weight_decay=exclude,
        initial=[family.key(n, v) for n, v in zip(NAMES, start)],
        optimizer_variables_initial=[
            {"path": v.path, "shape": list(v.shape), "dtype": v.dtype} for v in optimizer.variables],
        gradients=[], trajectory=[], learning_rates=[])
    for i, step in enumerate(grads):
        fields["gradients"].append([family.key(f"g{i}_{n}", g, finite_only=False) for n, g in zip(NAMES, step)])
        optimizer.apply([tf.constant(g) for g in step], variables)
        fields["trajectory"].append([family.key(f"t{i}_{n}", v) for n, v in zip(NAMES, variables)])
        fields["learning_rates"].append(float(to_numpy(optimizer.learning_rate)))
    fields["optimizer_variables"] = [
        {"path": v.path, "dtype": v.dtype, "key": family.key(f"v{i}", v, finite_only=False)}
        for i, v in enumerate(optimizer.variables)]
    optimizer.finalize_variable_values(variables)
    fields["finalized"] = [family.key(f"final_{n}", v) for n, v in zip(NAMES, variables)]
    family.add(**fields)


def variants(cls, options, lr=0.05):
    """The defaults, each set of options, and for some float64 (which Muon refuses)."""
    make = getattr(opt, cls)
    case(f"{cls}_default", lambda: make())
    for given in options:
        tag = "_".join(f"{k}" for k in given)
        given = {"learning_rate": lr, **given}
        case(f"{cls}_{tag}", lambda: make(**given))
    if cls in ("SGD", "RMSprop", "Adam"):
        case(f"{cls}_float64", lambda: make(learning_rate=lr), dtype="float64")


# One: everything that is not of Adam's kind
family = Family("optimizers", seed=31)
variants("SGD", [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1}])
variants("RMSprop", [{"rho": 0.7}, {"momentum": 0.6}, {"centered": True}, {"centered": True, "momentum": 0.5},
                     {"epsilon": 0.01}, {"weight_decay": 0.1}])
variants("Adagrad", [{"initial_accumulator_value": 0.5}, {"epsilon": 0.1}, {"weight_decay": 0.1}])
variants("Adadelta", [{"rho": 0.7, "epsilon": 1e-3}, {"weight_decay": 0.1}], lr=1.0)
variants("Ftrl", [{"learning_rate_power": -0.7}, {"learning_rate_power": 0.0}, {"initial_accumulator_value": 0.3},
                  {"l1_regularization_strength": 0.1}, {"l2_regularization_strength": 0.2},
                  {"l2_shrinkage_regularization_strength": 0.1}, {"beta": 0.3},
                  {"l1_regularization_strength": 0.05, "l2_regularization_strength": 0.1, "beta": 0.1}])
variants("Lion", [{"beta_1": 0.7, "beta_2": 0.8}, {"weight_decay": 0.1}], lr=0.01)
family.save()

# Two: Adam and its relatives
family = Family("optimizers_adam", seed=31)
variants("Adam", [{"beta_1": 0.8, "beta_2": 0.9}, {"epsilon": 0.01}, {"amsgrad": True}, {"weight_decay": 0.1}])
variants("AdamW", [{"weight_decay": 0.2}, {"amsgrad": True}])
variants("Adamax", [{"beta_1": 0.8, "beta_2": 0.9}, {"weight_decay": 0.1}])
variants("Nadam", [{"beta_1": 0.8, "beta_2": 0.9}, {"weight_decay": 0.1}])
variants("Lamb", [{"beta_1": 0.8, "beta_2": 0.9}, {"epsilon": 0.01}, {"weight_decay": 0.1}])
variants("ScheduleFreeAdamW", [{"warmup_steps": 4}, {"beta_1": 0.8, "beta_2": 0.9}, {"weight_decay": 0.1}])
family.save()

family = Family("optimizers_factored", seed=31)
variants("Adafactor", [{"relative_step": False}, {"beta_2_decay": -0.6}, {"clip_threshold": 0.5},
                       {"epsilon_1": 1e-3, "epsilon_2": 1e-2}, {"weight_decay": 0.1}])
variants("Muon", [{"momentum": 0.8}, {"nesterov": False}, {"ns_steps": 3}, {"weight_decay": 0.1},
                  {"adam_weight_decay": 0.1}, {"adam_beta_1": 0.8, "adam_beta_2": 0.9}, {"adam_lr_ratio": 0.5},
                  {"exclude_layers": ["kernel"]}, {"rms_rate": None}])
case("AdamW_exclude", lambda: opt.AdamW(weight_decay=0.2), exclude={"var_names": ["bias"]})
case("SGD_exclude", lambda: opt.SGD(weight_decay=0.2), exclude={"var_names": ["ker"]})
case("Lion_exclude", lambda: opt.Lion(weight_decay=0.2), exclude={"var_names": ["bias"]})
family.save()

# Three: what every optimizer has
family = Family("optimizers_options", seed=32)
for cls in ("SGD", "Adam"):
    make = getattr(opt, cls)
    for given in ({"clipnorm": 1.0}, {"clipvalue": 0.5}, {"global_clipnorm": 1.0}, {"loss_scale_factor": 8.0},
                  {"use_ema": True}, {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
                  {"gradient_accumulation_steps": 3}):
        case(f"{cls}_{'_'.join(given)}", lambda: make(learning_rate=0.05, **given))
case("SGD_accumulate_clip_decay", lambda: opt.SGD(
    0.05, momentum=0.9, gradient_accumulation_steps=2, clipnorm=0.8, weight_decay=0.1))
case("Adam_accumulate_ema", lambda: opt.Adam(
    0.05, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=4))
case("Adam_accumulate_schedule", lambda: opt.Adam(
    schedules.ExponentialDecay(0.1, 2, 0.7), gradient_accumulation_steps=3))
case("Adam_loss_scale_clip", lambda: opt.Adam(0.05, loss_scale_factor=4.0, clipvalue=0.2))
case("Adam_ema_decay", lambda: opt.Adam(0.05, use_ema=True, weight_decay=0.1, global_clipnorm=1.0))
for tag, schedule in (("exponential", lambda: schedules.ExponentialDecay(0.1, 3, 0.8)),
                      ("piecewise", lambda: schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01])),
                      ("cosine", lambda: schedules.CosineDecay(0.02, 6, warmup_target=0.1, warmup_steps=3))):
    case(f"SGD_schedule_{tag}", lambda: opt.SGD(schedule(), momentum=0.9))
case("AdamW_schedule", lambda: opt.AdamW(schedules.PolynomialDecay(0.1, 8), weight_decay=0.1))
LSO = opt.LossScaleOptimizer
case("LossScale_default", lambda: LSO(opt.SGD(0.05)), scale=2.0 ** 15)
case("LossScale_growth", lambda: LSO(opt.Adam(0.05), initial_scale=4.0, dynamic_growth_steps=3), scale=4.0)
case("LossScale_bad_steps", lambda: LSO(opt.SGD(0.05, momentum=0.9), initial_scale=8.0, dynamic_growth_steps=3),
     scale=8.0, bad_steps=(2, 3, 8))
case("LossScale_inner_options", lambda: LSO(opt.SGD(0.05, clipnorm=1.0, weight_decay=0.1), initial_scale=2.0),
     scale=2.0, bad_steps=(0,))
for cls in ("Adam", "SGD"):
    case(f"{cls}_float16", lambda: getattr(opt, cls)(0.05), dtype="float16")
family.save()
