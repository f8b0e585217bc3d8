# SPDX-License-Identifier: Apache-2.0
"""SimpleRNN, LSTM, GRU, their cells, and the wrappers around them."""
import numpy as np

from golden import Family, keras, layer_case, spread

layers = keras.layers
MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 0]], bool)
RIGHT = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
SHAPE = (2, 4, 3)
family = None


def case(name, make, inputs=SHAPE, **kw):
    layer_case(family, name, make, inputs, **kw)


family = Family("layers_rnn", seed=51)
for cls in (layers.SimpleRNN, layers.LSTM, layers.GRU):
    low = {"SimpleRNN": "simple", "LSTM": "lstm", "GRU": "gru"}[cls.__name__]
    states = [(2, 2), (2, 2)] if cls is layers.LSTM else [(2, 2)]
    case(low, lambda: cls(2))
    case(f"{low}_sequences", lambda: cls(2, return_sequences=True))
    case(f"{low}_state", lambda: cls(2, return_state=True))
    case(f"{low}_sequences_state", lambda: cls(2, return_sequences=True, return_state=True))
    case(f"{low}_backwards", lambda: cls(2, return_sequences=True, go_backwards=True))
    case(f"{low}_backwards_last", lambda: cls(2, go_backwards=True))
    case(f"{low}_no_bias", lambda: cls(2, use_bias=False))
    case(f"{low}_relu", lambda: cls(2, activation="relu"))
    case(f"{low}_unroll", lambda: cls(2, unroll=True, return_sequences=True))
    case(f"{low}_mask", lambda: cls(2), mask=MASK)
    case(f"{low}_mask_sequences", lambda: cls(2, return_sequences=True, return_state=True), mask=MASK)
    case(f"{low}_mask_backwards", lambda: cls(2, return_sequences=True, go_backwards=True), mask=MASK)
    case(f"{low}_mask_right", lambda: cls(2, return_sequences=True), mask=RIGHT)
    case(f"{low}_mask_unroll", lambda: cls(2, return_sequences=True, unroll=True), mask=MASK)
    case(f"{low}_mask_zero_output", lambda: cls(2, return_sequences=True, zero_output_for_mask=True), mask=MASK)
    case(f"{low}_initial_state", lambda: cls(2, return_sequences=True, return_state=True),
         tensor_kwargs={"initial_state": states})
    case(f"{low}_stateful", lambda: cls(2, stateful=True, return_sequences=True), calls=2)
    case(f"{low}_dropout_inference", lambda: cls(2, dropout=0.5, recurrent_dropout=0.3), call_kwargs={"training": False})
    case(f"{low}_zero_dropout_training", lambda: cls(2, dropout=0.0), call_kwargs={"training": True})
    case(f"{low}_options", lambda: cls(
        2, kernel_regularizer="l2", recurrent_regularizer="l1", bias_regularizer="l2", activity_regularizer="l1",
        kernel_constraint="max_norm", recurrent_constraint="unit_norm", bias_constraint="non_neg",
        kernel_initializer="he_normal", recurrent_initializer="glorot_uniform", bias_initializer="ones"))
    if cls is not layers.SimpleRNN:
        case(f"{low}_activations", lambda: cls(2, activation="softsign", recurrent_activation="hard_sigmoid"))
    case(f"{low}_float64", lambda: cls(2, dtype="float64", return_sequences=True),
         spread(np.random.default_rng(8), (1, 3, 2), dtype="float64"))
case("lstm_no_unit_forget_bias", lambda: layers.LSTM(2, unit_forget_bias=False))
case("gru_reset_before", lambda: layers.GRU(2, reset_after=False))
case("gru_reset_before_sequences", lambda: layers.GRU(2, reset_after=False, return_sequences=True, go_backwards=True))
case("gru_reset_before_no_bias", lambda: layers.GRU(2, reset_after=False, use_bias=False))
case("gru_reset_before_mask", lambda: layers.GRU(2, reset_after=False, return_sequences=True), mask=MASK)
case("lstm_one_step", lambda: layers.LSTM(2, return_sequences=True), (2, 1, 3))
case("lstm_bfloat16", lambda: layers.LSTM(2, dtype="mixed_bfloat16"), check=False)
family.save()

family = Family("layers_rnn_wrappers", seed=52)
for cell, states in ((layers.SimpleRNNCell, 1), (layers.LSTMCell, 2), (layers.GRUCell, 1)):
    name = cell.__name__
    given = [(2, 2)] * states
    case(name, lambda: cell(2), (2, 3), call_args=[given])
    case(f"{name}_no_bias", lambda: cell(2, use_bias=False), (2, 3), call_args=[given])
    case(f"rnn_{name}", lambda: layers.RNN(cell(2), return_sequences=True, return_state=True))
    case(f"rnn_{name}_backwards_mask", lambda: layers.RNN(cell(2), return_sequences=True, go_backwards=True), mask=MASK)
    case(f"rnn_{name}_unroll", lambda: layers.RNN(cell(2), unroll=True))
case("GRUCell_reset_before", lambda: layers.GRUCell(2, reset_after=False), (2, 3), call_args=[[(2, 2)]])
case("LSTMCell_no_unit_forget", lambda: layers.LSTMCell(2, unit_forget_bias=False), (2, 3), call_args=[[(2, 2)] * 2])
case("rnn_list_of_cells", lambda: layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], return_sequences=True))
case("stacked_cells", lambda: layers.RNN(layers.StackedRNNCells([layers.SimpleRNNCell(2), layers.LSTMCell(2)]),
                                         return_sequences=True, return_state=True))
case("stacked_cells_mask", lambda: layers.RNN(layers.StackedRNNCells([layers.GRUCell(2), layers.GRUCell(2)])), mask=MASK)
case("stacked_cells_alone", lambda: layers.StackedRNNCells([layers.SimpleRNNCell(2), layers.SimpleRNNCell(3)]),
     (2, 3), call_args=[[(2, 2), (2, 3)]])
case("rnn_stateful", lambda: layers.RNN(layers.LSTMCell(2), stateful=True), calls=2)

B = layers.Bidirectional
for mode in ("concat", "sum", "mul", "ave", None):
    case(f"bidirectional_{mode}", lambda: B(layers.LSTM(2, return_sequences=True), merge_mode=mode))
    case(f"bidirectional_last_{mode}", lambda: B(layers.GRU(2), merge_mode=mode))
case("bidirectional_mask", lambda: B(layers.LSTM(2, return_sequences=True)), mask=MASK)
case("bidirectional_mask_last", lambda: B(layers.LSTM(2)), mask=RIGHT)
case("bidirectional_state", lambda: B(layers.LSTM(2, return_sequences=True, return_state=True)))
case("bidirectional_initial_state", lambda: B(layers.GRU(2, return_sequences=True)),
     tensor_kwargs={"initial_state": [(2, 2), (2, 2)]})
case("bidirectional_backward_layer", lambda: B(
    layers.LSTM(2, return_sequences=True),
    backward_layer=layers.SimpleRNN(3, return_sequences=True, go_backwards=True)))
case("bidirectional_stateful", lambda: B(layers.SimpleRNN(2, stateful=True)), calls=2)

T = layers.TimeDistributed
case("time_dense", lambda: T(layers.Dense(2, activation="tanh")))
case("time_dense_mask", lambda: T(layers.Dense(2)), mask=MASK)
case("time_conv", lambda: T(layers.Conv2D(2, 2)), (2, 3, 3, 3, 2))
case("time_flatten", lambda: T(layers.Flatten()), (2, 3, 2, 2))
case("time_batchnorm", lambda: T(layers.BatchNormalization()), call_kwargs={"training": True}, check=False)
case("time_lstm", lambda: T(layers.LSTM(2)), (2, 2, 3, 2))
family.save()

family = Family("layers_rnn_conv", seed=53)
for rank, shape in ((1, (1, 3, 4, 2)), (2, (1, 3, 3, 4, 2)), (3, (1, 2, 2, 3, 3, 2))):
    cls = getattr(layers, f"ConvLSTM{rank}D")
    case(f"convlstm{rank}d", lambda: cls(2, 2), shape)
    case(f"convlstm{rank}d_same_sequences", lambda: cls(2, 2, padding="same", return_sequences=True, return_state=True), shape)
    case(f"convlstm{rank}d_options", lambda: cls(
        1, 2, strides=2, use_bias=False, go_backwards=True, recurrent_activation="hard_sigmoid"), shape)
case("convlstm2d_mask", lambda: layers.ConvLSTM2D(2, 2, return_sequences=True), (2, 4, 3, 3, 1), mask=MASK)
case("convlstm2d_dilated", lambda: layers.ConvLSTM2D(1, 2, dilation_rate=2), (1, 2, 4, 4, 1))
case("convlstm1d_no_forget", lambda: layers.ConvLSTM1D(1, 2, unit_forget_bias=False), (1, 2, 4, 1))
family.save()
