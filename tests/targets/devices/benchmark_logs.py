"""Logs in the forms that `benchmark_model` has had, with values of our own."""

from __future__ import annotations

# 2018: no levels, no duration, "no stats" for the average.
OLDEST = """STARTING!
Num runs: [50]
Graph: [/data/local/tmp/digits.tflite]
Use nnapi : [0]
Loaded model /data/local/tmp/digits.tflite
resolved reporter
Initialized session in 3.25ms
Running benchmark for 1 iterations
count=1 curr=9120

Running benchmark for 50 iterations
count=50 first=8011 curr=8200 min=7900 max=9400 avg=8104.5 std=120

Average inference timings in us: Warmup: 9120, Init: 3250, no stats: 8104.5
"""

# TensorFlow 2.5: the line of delegates, its table with [start], tabs, no calls.
OLD = """STARTING!
Log parameter values verbosely: [0]
Graph: [/data/local/tmp/digits.tflite]
Loaded model /data/local/tmp/digits.tflite
INFO: Initialized TensorFlow Lite runtime.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
Applied XNNPACK delegate, and the model graph will be partially executed w/ the delegate.
The input model file size (MB): 0.014832
Initialized session in 1.5ms.
Running benchmark for at least 3 iterations and at least 0.2 seconds but terminate if exceeding 120 seconds.
count=400 first=900 curr=480 min=470 max=900 avg=500.25 std=31

Running benchmark for at least 20 iterations and at least 0 seconds but terminate if exceeding 120 seconds.
count=20 first=480 curr=490 min=470 max=530 avg=488.5 std=12

Average inference timings in us: Warmup: 500.25, Init: 1500, Inference: 488.5
============================== Run Order ==============================
\t             [node type]\t  [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t    0.000\t    0.310\t    0.300\t 61.475%\t 61.475%\t     0.000\t        0\t[conv 1/Relu6;b]
\t                 SOFTMAX\t    0.300\t    0.170\t    0.188\t 38.525%\t100.000%\t     0.000\t        0\t[output]

============================== Top by Computation Time ==============================
\t             [node type]\t  [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t    0.000\t    0.310\t    0.300\t 61.475%\t 61.475%\t     0.000\t        0\t[conv 1/Relu6;b]

Number of nodes executed: 2
Timings (microseconds): count=20 first=480 curr=490 min=470 max=530 avg=488 std=12
Memory (bytes): count=0
2 nodes observed
"""

_HEADER = """INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [1]
INFO: Graph: [/data/local/tmp/digits.tflite]
INFO: Signature to run: []
INFO: Use xnnpack: [1]
INFO: Loaded model /data/local/tmp/digits.tflite
INFO: Initialized TensorFlow Lite runtime.
"""
_XNNPACK = """INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: XNNPACK delegate created.
VERBOSE: Replacing 5 out of 6 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2 partitions for subgraph 0.
INFO: Explicitly applied XNNPACK delegate, and the model graph will be partially executed by the delegate w/ 1 \
delegate kernels.
"""
_RUNS = """INFO: The input model file size (MB): 0.014832
INFO: Initialized session in 2.25ms.
INFO: Running benchmark for at least 3 iterations and at least 0.2 seconds but terminate if exceeding 120 seconds.
INFO: count=9 first=1200000 curr=1040000 min=1040000 max=1200000 avg=1.0512e+06 std=11478 p5=1040000 median=1041000 \
p95=1200000

INFO: Running benchmark for at least 20 iterations and at least 0 seconds but terminate if exceeding 120 seconds.
INFO: count=20 first=1010000 curr=1020000 min=1000000 max=1310000 avg=1.03215e+06 std=60716 p5=1000000 \
median=1021000 p95=1310000

INFO: Inference timings in us: Init: 2250, First inference: 1200000, Warmup (avg): 1.0512e+06, \
Inference (avg): 1.03215e+06
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual \
memory footprint of the model at runtime. Take the information at your discretion.
INFO: Memory footprint delta from the start of the tool (MB): init=6.36328 overall=9.832
"""
_PROFILE = """INFO: Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
\t [node type]\t [first]\t [avg ms]\t [%]\t [cdf%]\t [mem KB]\t[times called]\t[Name]
\t ModifyGraphWithDelegate\t 6.3\t 6.3\t 55.6%\t 55.6%\t 7148.000\t 1\tModifyGraphWithDelegate/0
\t AllocateTensors\t 5.0\t 5.0\t 44.3%\t 100.0%\t 10292.000\t 1\tAllocateTensors/0

Number of nodes executed: 2
Timings (microseconds): count=1 curr=11409
Memory (bytes): count=0
2 nodes observed

INFO: Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t [node type]\t [first]\t [avg ms]\t [%]\t [cdf%]\t [mem KB]\t[times called]\t[Name]
\t TfLiteXNNPackDelegate\t 900.0\t 910.0\t 88.1%\t 88.1%\t 0.000\t 1\t[net/pool]:7
\t TFLite_Detection_PostProcess\t 60.1\t 61.0\t 11.9%\t 100.000%\t 0.000\t 2\t[Call:3, Call:2, Call:1]:5

============================== Top by Computation Time ==============================
\t [node type]\t [first]\t [avg ms]\t [%]\t [cdf%]\t [mem KB]\t[times called]\t[Name]
\t TfLiteXNNPackDelegate\t 900.0\t 910.0\t 88.1%\t 88.1%\t 0.000\t 1\t[net/pool]:7

Number of nodes executed: 2
============================== Summary by node type ==============================
\t [Node type]\t [count]\t [avg ms]\t [avg %]\t [cdf %]\t [mem KB]\t[times called]
\t TfLiteXNNPackDelegate\t 1\t 910.0\t 88.1%\t 88.1%\t 0.000\t 1

Timings (microseconds): count=20 first=1010000 curr=1020000 min=1000000 max=1310000 avg=1.03215e+06 std=60716
Memory (bytes): count=0
2 nodes observed

Delegate internal:
============================== Run Order ==============================
\t [node type]\t [first]\t [avg ms]\t [%]\t [cdf%]\t [mem KB]\t[times called]\t[Name]
\t Convolution (NHWC, QC8) IGEMM\t 0.4\t 0.4\t 2.6%\t 4.0%\t 0.000\t 1\tDelegate/Convolution (NHWC, QC8) IGEMM:0

"""
NEW = _HEADER + _XNNPACK + _RUNS
PROFILED = NEW + _PROFILE

# A driver that refuses the model after it seemed to take it; the CPU runs it.
REFUSED = (
    _HEADER
    + """INFO: NNAPI delegate created.
VERBOSE: Replacing 6 out of 6 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 1 partitions for subgraph 0.
INFO: Though NNAPI delegate is explicitly applied, the model graph will not be executed by the delegate.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
VERBOSE: Replacing 5 out of 6 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2 partitions for subgraph 0.
"""
    + _RUNS
)

COMPLETE_GPU = (
    _HEADER
    + """INFO: Created TensorFlow Lite delegate for GPU.
INFO: GPU delegate created.
VERBOSE: Replacing 6 out of 6 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 partitions for subgraph 0.
INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.
"""
    + _RUNS
)

PLAIN = _HEADER + _RUNS

# LiteRT's own tool: the same lines of statistics, other ones at the end.
LITERT = """WARN: Unconsumed cmdline flags: --use_xnnpack=true
INFO: [benchmark_litert_model.cc:120] Loading model from: /data/local/tmp/digits.tflite
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: Running benchmark for at least 3 iterations and at least 0.2 seconds but terminate if exceeding 120 seconds.
INFO: count=9 first=1220 curr=1040 min=1040 max=1220 avg=1060.2 std=58 p5=1040 median=1041 p95=1220

INFO: Running benchmark for at least 20 iterations and at least 0 seconds but terminate if exceeding 120 seconds.
INFO: count=20 first=1010 curr=1020 min=1000 max=1310 avg=1034.9 std=60 p5=1000 median=1021 p95=1310

INFO: [benchmark_litert_model.h:93]
========== BENCHMARK RESULTS ==========
INFO: [benchmark_litert_model.h:94] Model initialization: 10.25 ms
INFO: [benchmark_litert_model.h:95] Warmup (first):       1.22 ms
INFO: [benchmark_litert_model.h:97] Warmup (avg):         1.06 ms (9 runs)
INFO: [benchmark_litert_model.h:99] Inference (avg):      1.03 ms (20 runs)
INFO: [benchmark_litert_model.h:103] Inference (min):      1.00 ms
"""
LOGS = {"oldest": OLDEST, "old": OLD, "new": NEW, "profiled": PROFILED, "refused": REFUSED, "litert": LITERT}
