// A stranger's program that opens a model with OpenVINO: here one that is not there, which it must be told.
#include <tailrace/openvino/openvino.h>

#include <string>

int main() {
  const auto model = tailrace::openvino::open("nowhere.onnx");
  return !model && model.error().what() == "there is no file 'nowhere.onnx'" ? 0 : 1;
}
