"""Assembles the image of packaging/image/Dockerfile on a machine without a builder of images.

`dockerfile` reads the instructions, `layout` writes an OCI image layout, and `__main__` makes the
root file system with mmdebstrap and performs the instructions in it.
"""
