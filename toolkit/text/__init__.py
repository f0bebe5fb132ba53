"""Text in the recipe's stages: sentences as ids, and the training of encoders."""
