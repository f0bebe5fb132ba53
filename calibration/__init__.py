"""What the numbers look like: samples, preprocessing, ranges. No TensorFlow at import."""
