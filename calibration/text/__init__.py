"""Text: from a string to token ids, one contract for training, calibration and the app."""
