"""PyTorch models, watched while they train."""
