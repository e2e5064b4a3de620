"""Write and check what is generated from the contracts: schemas, AsyncAPI documents, examples, released versions."""
