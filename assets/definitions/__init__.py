"""Asset definitions: normal form, digest, differ. Standard library only: the client carries this package too."""
