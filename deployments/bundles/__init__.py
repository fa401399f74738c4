"""The content store: manifests, blobs, uploads, materialising, collecting."""
