"""The networks: vision transformer, masked autoencoder, heads."""
