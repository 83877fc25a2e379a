"""Pages that stand alone, and the drawings in them; what they show comes from above."""
