"""Finding faces, placing their landmarks, aligning and grading them."""
