"""Text encoders: BERT and its kin, as numpy weights, as Keras models and as integer graphs."""
