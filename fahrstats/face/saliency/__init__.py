"""What a model looks at: regions of the face, and maps of single faces."""
