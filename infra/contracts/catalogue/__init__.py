"""The event catalogue that people read: static pages and a JSON index, made from `contracts/` and the agreements."""
