# SPDX-License-Identifier: Apache-2.0
"""Serialized configs of every public class: with defaults, and with every argument changed."""
import inspect

from golden import Family, keras, to_json

family = Family("configs", seed=1)
SKIP = {"Layer", "Wrapper", "FlaxLayer", "JaxLayer", "TorchModuleWrapper", "TFSMLayer", "Lambda", "Pipeline", "Loss", "Metric",
        "MeanMetricWrapper", "Optimizer", "Initializer", "Constraint", "Regularizer", "LearningRateSchedule", "OptimizerMap",
        "MultiOptimizer"}
D = keras.layers.Dense
REQUIRED = {  # by class, else by argument name
    "Bidirectional": {"layer": lambda: keras.layers.LSTM(3, name="inner")}, "TimeDistributed": {"layer": lambda: D(3, name="inner")},
    "SpectralNormalization": {"layer": lambda: D(3, name="inner")}, "RNN": {"cell": lambda: keras.layers.GRUCell(3, name="inner")},
    "StackedRNNCells": {"cells": lambda: [keras.layers.LSTMCell(3, name="a"), keras.layers.SimpleRNNCell(2, name="b")]},
    "EinsumDense": {"equation": "abc,cd->abd", "output_shape": [None, 4]}, "Reshape": {"target_shape": [2, 3]},
    "LossScaleOptimizer": {"inner_optimizer": lambda: keras.optimizers.SGD()}, "InputLayer": {"shape": [4]},
    "PiecewiseConstantDecay": {"boundaries": [2, 5], "values": [0.1, 0.05, 0.01]}, "RandomPosterization": {"factor": 4},
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]}, "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "Discretization": {"bin_boundaries": [0.0, 1.0]}, "CategoryEncoding": {"num_tokens": 4}, "Dot": {"axes": 1},
}
NAMED = {
    "units": 3, "filters": 4, "kernel_size": 3, "activation": "relu", "rate": 0.25, "stddev": 0.3, "dims": [2, 1], "n": 3,
    "input_dim": 10, "output_dim": 4, "pool_size": 2, "output_size": 3, "height": 4, "width": 5, "scale": 0.5, "num_bins": 4,
    "factor": 0.2, "height_factor": 0.2, "width_factor": 0.3, "num_heads": 2, "key_dim": 3, "head_dim": 3, "num_query_heads": 4,
    "num_key_value_heads": 2, "num_classes": 3, "recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5,
    "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9, "first_decay_steps": 5, "max_number": 4,
}
CHANGED = {  # other values than the default, tried in turn
    "name": ["custom"], "dtype": ["float64", "mixed_bfloat16"], "trainable": [False], "activation": ["tanh"],
    "recurrent_activation": ["hard_sigmoid"], "padding": ["same", [1, 2], 2], "strides": [2], "dilation_rate": [1, 2], "groups": [2],
    "data_format": ["channels_first"], "seed": [7], "axis": [1], "noise_shape": [[2, 1, 3]], "value_range": [[0, 1]],
    "interpolation": ["nearest"], "fill_mode": ["nearest"], "reduction": ["sum"], "weight_decay": [0.01], "clipnorm": [1.0],
    "clipvalue": [0.5], "global_clipnorm": [2.0], "loss_scale_factor": [4.0], "gradient_accumulation_steps": [2],
    "ema_overwrite_frequency": [3], "use_ema": [True], "learning_rate": [0.02], "thresholds": [[0.2, 0.6]], "top_k": [2],
    "class_id": [1], "threshold": [0.7], "curve": ["PR"], "summation_method": ["minoring"], "average": ["macro"],
    "mode": ["fan_avg", "columns", "horizontal", "magnitude"], "distribution": ["uniform"], "ignore_class": [1], "merge_mode": ["sum"],
    "score_mode": ["concat"], "output_mode": ["multi_hot", "count"], "shared_axes": [[1]], "size": [3], "cropping": [1, [1, 2]],
    "bias_axes": ["d"], "value_dim": [5], "output_shape": [6], "attention_axes": [[1]], "sliding_window": [2], "max_value": [1.5],
    "mask_value": [2.0, 3], "offset": [0.5], "mean": [1.5], "variance": [2.0], "class_aggregation": ["variance_weighted_average"],
    "warmup_target": [0.2], "side": ["imag"], "window": ["hamming"], "scaling": ["spectrum"], "output_padding": [1], "pool_size": [3],
    "lora_rank": [2], "lora_alpha": [3], "embeddings_initializer": ["glorot_normal"], "target_class_ids": [[1]], "salt": [5],
    "vocabulary": [[3, 5], ["a", "b"]], "max_tokens": [9], "vocabulary_dtype": ["int32"], "fill_value": [0.5], "frame_step": [64],
    "fft_length": [512], "sequence_length": [1024], "max_freq": [4000.0], "gamma": [1.5], "alpha": [0.4], "order": [2],
    "kernel_size": [[5, 3], 5], "factor": [0.6], "batch_size": [3], "standardize": ["lower"], "split": ["character"], "ngrams": [2],
    "output_sequence_length": [6], "encoding": ["utf-16-le"], "oov_token": ["[X]", -7], "mask_token": ["", 0], "sigma": [0.5],
    "exclude_layers": [["head"]], "rms_rate": [0.3], "loss_weights": [None], "input_axes": [[0]], "output_axes": [[1]],
    "renorm_clipping": [{"rmax": 2.0}], "reverse_dtype": ["float16"], "logit_soft_cap": [2.0], "num_labels": [3], "idf_weights": [None],
    "brightness_factor": [0.2], "contrast_factor": [0.2], "saturation_factor": [0.2], "hue_factor": [0.2], "height": [6],
}


def change(name, default):
    if name in CHANGED:
        return CHANGED[name]
    if name.endswith("initializer"):
        return ["he_normal"]
    if name.endswith("regularizer"):
        return ["l2"]
    if name.endswith("constraint"):
        return ["non_neg"]
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int):
        return [default + 1]
    if isinstance(default, float):
        return [default * 0.5 + 0.05]
    return []


def build(cls, kwargs):
    return cls(**{k: v() if callable(v) else v for k, v in kwargs.items()})


def shown(kwargs):
    return {k: keras.saving.serialize_keras_object(v()) if callable(v) else v for k, v in kwargs.items()}


def add(kind, cls, variant, kwargs):
    keras.utils.clear_session()
    made = build(cls, kwargs)
    family.add(kind=kind, class_name=cls.__name__, variant=variant, args=to_json(shown(kwargs)),
               serialized=to_json(keras.saving.serialize_keras_object(made)))
    return made


ROOMS = (("layer", keras.layers, keras.layers.Layer), ("loss", keras.losses, keras.losses.Loss),
         ("metric", keras.metrics, keras.metrics.Metric), ("optimizer", keras.optimizers, keras.optimizers.Optimizer),
         ("schedule", keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule),
         ("initializer", keras.initializers, keras.initializers.Initializer),
         ("regularizer", keras.regularizers, keras.regularizers.Regularizer),
         ("constraint", keras.constraints, keras.constraints.Constraint))
refused = []
for kind, module, base in ROOMS:
    seen = set()
    for _, cls in sorted(inspect.getmembers(module, inspect.isclass)):
        if cls.__name__ in SKIP or cls in seen or not issubclass(cls, base):
            continue
        seen.add(cls)
        parameters = [p for p in list(inspect.signature(cls.__init__).parameters.values())[1:]
                      if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        kwargs = dict(REQUIRED.get(cls.__name__, {}))
        for p in parameters:
            if p.default is p.empty and p.name not in kwargs:
                kwargs[p.name] = NAMED[p.name]
        try:
            add(kind, cls, "default", kwargs)
        except Exception as error:
            refused.append(f"{cls.__name__}: {type(error).__name__} {str(error).splitlines()[0][:90]}")
            continue
        names = {p.name: p.default for p in parameters}
        if kind == "layer":
            names.update({n: None for n in ("name", "dtype", "trainable") if n not in names})
        for name, default in names.items():
            if name in kwargs:
                continue
            for value in change(name, default):
                if isinstance(value, str) and callable(default):
                    continue
                try:
                    keras.saving.serialize_keras_object(build(cls, {**kwargs, name: value}))
                except Exception:
                    continue
                kwargs[name] = value
                break
        if kind == "layer" and kwargs.get("name") is None:
            kwargs.pop("name", None)
        add(kind, cls, "changed", kwargs)
print("refused:", *refused, sep="\n  ")

# Compositions: objects instead of names, functions, policies
L, R, C = keras.layers, keras.regularizers, keras.constraints
OBJECTS = {
    "dense_objects": lambda: L.Dense(2, activation=keras.activations.gelu, kernel_initializer=keras.initializers.VarianceScaling(2.0, seed=3),
                                     kernel_regularizer=R.L1L2(0.1, 0.2), kernel_constraint=C.MinMaxNorm(0.1, 0.9)),
    "dense_policy": lambda: L.Dense(2, dtype=keras.DTypePolicy("mixed_float16")),
    "activation_function": lambda: L.Activation(keras.activations.silu),
    "bidirectional_backward": lambda: L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(2, go_backwards=True), merge_mode=None),
    "rnn_stacked": lambda: L.RNN(L.StackedRNNCells([L.LSTMCell(2), L.GRUCell(3)]), return_state=True),
    "time_distributed_nested": lambda: L.TimeDistributed(L.TimeDistributed(L.Dense(2))),
    "adam_schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 20, warmup_steps=3, warmup_target=0.2)),
    "loss_scale_adam": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01)),
    "orthogonal": lambda: L.SimpleRNN(2, recurrent_initializer=keras.initializers.Orthogonal(0.5, seed=9)),
    "mha_objects": lambda: L.MultiHeadAttention(2, 3, kernel_regularizer=R.L2(0.1), attention_axes=(1, 2)),
}
for variant, make in OBJECTS.items():
    keras.utils.clear_session()
    made = make()
    family.add(kind="object", class_name=type(made).__name__, variant=variant, args=None,
               serialized=to_json(keras.saving.serialize_keras_object(made)))
for name in sorted(n for n, f in vars(keras.activations).items() if inspect.isfunction(f)):
    if name not in ("get", "serialize", "deserialize"):
        family.add(kind="activation", class_name=name, variant="function", args=None,
                   serialized=to_json(keras.activations.serialize(getattr(keras.activations, name))))
family.save()
