// Runs a bundle of Litesmith with TensorFlow Lite's C++ API: `digits BUNDLE [SAMPLE.txt]`.
//
// It checks the files and the golden vectors, then names the class of the sample: numbers with spaces between them,
// row by row. The model has to take and give int8, and the contract may ask for `scale` and `offset` only.
#include <openssl/sha.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow/lite/interpreter.h"
#include "tensorflow/lite/kernels/register.h"
#include "tensorflow/lite/model.h"

using nlohmann::json;

void require(bool holds, const std::string& message) {
  if (!holds) throw std::runtime_error(message);
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.good(), path + ": cannot be read; copy the bundle again");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string sha256(const std::string& content) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest);
  std::string text;
  for (unsigned char byte : digest) text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return text;
}

// Scale and offset, each rounded to float32; see docs/preprocess.md for the steps that are refused here. Compile with
// -ffp-contract=off: a fused multiply-add would round once.
std::vector<float> preprocess(std::vector<float> values, const json& contract) {
  require(contract.at("version") == 2 && contract.at("crop") == 1.0 && contract.at("layout") == "nhwc" &&
              (contract.at("kind") == "image" || contract.at("kind") == "tensor") &&
              contract.at("scale").is_number() && contract.at("offset").is_number(),
          "preprocess.json: asks for a step that this program does not do; write that step first");
  size_t size = 1;
  for (size_t side : contract.at("shape")) size *= side;
  require(values.size() == size, "sample: does not have the contract's size; this program does not resize");
  const float scale = contract.at("scale"), offset = contract.at("offset"), block = contract.at("block");
  for (float& value : values) {
    require(std::isfinite(value) && (block == 1 || (value >= 0 && value <= block * block)),
            "sample: holds a value that the contract does not take");
    value = value * scale + offset;
  }
  return values;
}

// Preprocessed values to the int8 outputs: clamp(round(x / scale) + zero_point), ties away from zero as roundf does.
std::vector<int8_t> run(tflite::Interpreter& model, const std::vector<float>& x) {
  const TfLiteTensor& in = *model.tensor(model.inputs()[0]);
  const TfLiteTensor& out = *model.tensor(model.outputs()[0]);
  require(in.type == kTfLiteInt8 && out.type == kTfLiteInt8, "model.tflite: does not take and give int8");
  require(in.bytes == x.size(), "model.tflite: its input has another size than the sample");
  for (size_t i = 0; i < x.size(); ++i) {
    const float steps = std::round(std::clamp(x[i] / in.params.scale, -1048576.0f, 1048576.0f));
    in.data.int8[i] = static_cast<int8_t>(std::clamp(steps + in.params.zero_point, -128.0f, 127.0f));
  }
  require(model.Invoke() == kTfLiteOk, "model.tflite: the runtime cannot run it");
  return {out.data.int8, out.data.int8 + out.bytes};
}

size_t best(const std::vector<int8_t>& raw) { return std::max_element(raw.begin(), raw.end()) - raw.begin(); }

void self_test(tflite::Interpreter& model, const json& golden) {
  int farthest = 0;
  for (const json& vector : golden.at("vectors")) {
    const auto raw = run(model, vector.at("input"));
    const std::vector<int> expected = vector.at("output_raw");
    require(raw.size() == expected.size(), "self-test: the outputs have another size");
    for (size_t i = 0; i < raw.size(); ++i) farthest = std::max(farthest, std::abs(raw[i] - expected[i]));
    require(farthest <= golden.at("tolerance").at("steps") && best(raw) == vector.at("predicted").at("index"),
            "self-test: sample " + vector.at("sample").dump() + " gives something else than was recorded");
  }
  std::cout << "self-test: " << golden.at("vectors").size() << " golden vectors are right, at most " << farthest
            << " steps apart\n";
}

int main(int argc, char** argv) try {
  require(argc == 2 || argc == 3, "usage: digits BUNDLE [SAMPLE.txt]");
  const std::string folder = std::string(argv[1]) + "/";
  const json manifest = json::parse(read(folder + "manifest.json"));
  require(manifest.at("format") == "litesmith-bundle" && manifest.at("version") == 1, "is no bundle of version 1");
  for (const auto& [name, entry] : manifest.at("files").items())
    require(sha256(read(folder + name)) == entry.at("sha256"), folder + name + ": was changed; copy it again");

  const std::string content = read(folder + "model.tflite");
  const auto file = tflite::FlatBufferModel::BuildFromBuffer(content.data(), content.size());
  require(file != nullptr, "model.tflite: is no model");
  // This resolver brings XNNPACK along where the library was built with it, which is CMake's default.
  tflite::ops::builtin::BuiltinOpResolver operators;
  std::unique_ptr<tflite::Interpreter> model;
  tflite::InterpreterBuilder(*file, operators)(&model);
  require(model && model->AllocateTensors() == kTfLiteOk, "model.tflite: needs a newer TFLite, see the manifest");
  self_test(*model, json::parse(read(folder + "golden/vectors.json")));
  if (argc == 3) {
    std::ifstream sample(argv[2]);
    const std::vector<float> values{std::istream_iterator<float>(sample), {}};
    const auto raw = run(*model, preprocess(values, json::parse(read(folder + "preprocess.json"))));
    const auto& quantization = model->tensor(model->outputs()[0])->params;
    std::ifstream labels(folder + "labels.txt");
    std::string label;
    for (size_t line = 0; line <= best(raw); ++line) std::getline(labels, label);
    std::cout << label << " (logit " << quantization.scale * (raw[best(raw)] - quantization.zero_point) << ")\n";
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 2;
}
