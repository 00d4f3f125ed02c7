"""Key stores in files and on tokens, and the settings that name them."""
