"""Photographs to scores: everything that needs torch or reads pictures.

Public names are loaded on first use, so that importing the package is quick.
"""
