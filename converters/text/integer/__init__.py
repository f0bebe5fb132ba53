"""A text encoder in integers: exact rewrites of the float network, then int8 and int16 operators for it.

One way: `network` is what is computed, `program` the order of its operators, written once. The rewrites change the
network and not its results. The program runs in float (`float_operations`), where ranges are observed, and writes the
`.tflite` (`integer_operations`), so that both compute the same by construction.
"""
