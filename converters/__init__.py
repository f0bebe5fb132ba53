"""What the file says: reading, converting and verifying models. TensorFlow inside functions only."""
