#include "cli/train.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <numbers>
#include <string_view>

namespace tailrace::cli {

namespace {

namespace jit = torch::jit;

constexpr std::int64_t pixels = 64, side = 8, classes = 10;

struct Recipe {
  int epochs;
  std::int64_t batch;
  double rate;   // of Adam at the start; falls to zero along half a cosine
  double decay;  // of weights, at each step, in units of the rate
  bool shift;    // each batch by up to one pixel in both directions
};

// Weights start as He and others (2015) propose for layers that end in max(0, x): normal, of variance 2 / inputs.
void add_layer(jit::Module& net, const std::string& name, at::IntArrayRef shape, at::Generator& random) {
  const auto inputs = static_cast<double>(c10::multiply_integers(shape.slice(1)));
  const at::Tensor weight = at::randn(shape, random, at::kFloat) * std::sqrt(2 / inputs);
  net.register_parameter(name + "_weight", weight.detach().requires_grad_(), false);
  net.register_parameter(name + "_bias", at::zeros({shape[0]}).requires_grad_(), false);
}

jit::Module tiny_net(at::Generator& random) {
  jit::Module net("Tiny");
  add_layer(net, "hidden", {32, pixels}, random);
  add_layer(net, "last", {classes, 32}, random);
  net.define(R"(
def forward(self, x):
    x = torch.relu(torch.linear(x, self.hidden_weight, self.hidden_bias))
    return torch.linear(x, self.last_weight, self.last_bias)
)");
  return net;
}

jit::Module large_net(at::Generator& random) {
  jit::Module net("Large");
  add_layer(net, "first", {24, 1, 3, 3}, random);
  add_layer(net, "second", {48, 24, 3, 3}, random);
  add_layer(net, "third", {96, 48, 3, 3}, random);
  add_layer(net, "last", {classes, 96 * 2 * 2}, random);
  net.define(R"(
def forward(self, x):
    x = x.reshape(-1, 1, 8, 8)
    x = torch.relu(torch.conv2d(x, self.first_weight, self.first_bias, [1, 1], [1, 1]))
    x = torch.relu(torch.conv2d(x, self.second_weight, self.second_bias, [1, 1], [1, 1]))
    x = torch.max_pool2d(x, [2, 2], [2, 2])
    x = torch.relu(torch.conv2d(x, self.third_weight, self.third_bias, [1, 1], [1, 1]))
    x = torch.max_pool2d(x, [2, 2], [2, 2])
    return torch.linear(x.flatten(1), self.last_weight, self.last_bias)
)");
  return net;
}

// Adam (Kingma and Ba, 2015) with decoupled weight decay (Loshchilov and Hutter, 2019).
class Adam {
 public:
  Adam(std::vector<at::Tensor> weights, double decay) : weights_(std::move(weights)), decay_(decay) {
    for (const auto& w : weights_) mean_.push_back(at::zeros_like(w)), square_.push_back(at::zeros_like(w));
  }

  void step(double rate) {
    const at::NoGradGuard no_grad;
    ++steps_;
    const double unbias = std::sqrt(1 - std::pow(0.999, steps_)) / (1 - std::pow(0.9, steps_));
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      at::Tensor& w = weights_[i];
      const at::Tensor gradient = w.grad();
      mean_[i].mul_(0.9).add_(gradient, 0.1);
      square_[i].mul_(0.999).addcmul_(gradient, gradient, 0.001);
      w.mul_(1 - rate * decay_).addcdiv_(mean_[i], square_[i].sqrt().add_(1e-8), -rate * unbias);
      w.mutable_grad().reset();
    }
  }

 private:
  std::vector<at::Tensor> weights_, mean_, square_;
  double decay_;
  int steps_ = 0;
};

// The images with zeros moved in at the edges.
at::Tensor shifted(const at::Tensor& rows, at::Generator& random) {
  const at::Tensor by = at::randint(0, 3, {2}, random, at::kLong);
  const at::Tensor padded = at::constant_pad_nd(rows.view({-1, side, side}), {1, 1, 1, 1});
  return padded.narrow(1, by[0].item<std::int64_t>(), side).narrow(2, by[1].item<std::int64_t>(), side).flatten(1);
}

std::vector<at::Tensor> weights_of(const jit::Module& net) {
  std::vector<at::Tensor> weights;
  for (const at::Tensor& w : net.parameters()) weights.push_back(w);
  return weights;
}

// loss(rows, labels)
using Loss = std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;

void fit(std::vector<at::Tensor> weights, const Loss& loss, const at::Tensor& images, const at::Tensor& labels,
         const Recipe& recipe, at::Generator& random) {
  Adam adam(std::move(weights), recipe.decay);
  const std::int64_t n = images.size(0);
  for (int epoch = 0; epoch < recipe.epochs; ++epoch) {
    const double rate = recipe.rate * (1 + std::cos(std::numbers::pi * epoch / recipe.epochs)) / 2;
    const at::Tensor order = at::randperm(n, random, at::kLong);
    for (std::int64_t i = 0; i < n; i += recipe.batch) {
      const at::Tensor which = order.slice(0, i, std::min(n, i + recipe.batch));
      const at::Tensor rows = images.index_select(0, which);
      loss(recipe.shift ? shifted(rows, random) : rows, labels.index_select(0, which)).backward();
      adam.step(rate);
    }
  }
}

// Written beside and renamed, so that a file under this name is a whole one.
void save(jit::Module net, const std::string& path) {
  for (at::Tensor w : net.parameters()) w.requires_grad_(false);
  net.save(path + ".part");
  std::filesystem::rename(path + ".part", path);
}

// One thread while it lives.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }

 private:
  int before_;
};

Status check(const TrainingSet& data) {
  const auto digit = [](std::int64_t label) { return label >= 0 && label < classes; };
  if (data.labels.empty() || data.pixels.size() != data.labels.size() * pixels)
    return Error{Code::bad_value, "training", "there must be 64 pixels for each label, and one label at least"};
  if (!std::ranges::all_of(data.labels, digit)) return Error{Code::bad_value, "training", "labels must be 0 to 9"};
  return {};
}

// What training needs: images, labels and random numbers.
struct Training {
  at::Tensor images, labels;
  at::Generator random;
};

// Trains by `make`, on one thread; what LibTorch throws becomes an Error.
Status train(const TrainingSet& data, std::uint64_t seed, const std::function<void(Training&)>& make) {
  if (Status fit = check(data); !fit) return fit;
  try {
    const OneThread one_thread;
    const jit::GraphOptimizerEnabledGuard plain(false);  // forward runs as written, without profiling
    const auto n = static_cast<std::int64_t>(data.labels.size());
    Training training{at::tensor(data.pixels).view({n, pixels}), at::tensor(data.labels),
                      at::detail::createCPUGenerator(seed)};
    make(training);
    return {};
  } catch (const c10::Error& e) {
    const std::string_view what = e.what_without_backtrace();
    return Error{Code::stage_failed, "training", what.substr(0, what.find('\n'))};
  } catch (const std::exception& e) {
    return Error{Code::stage_failed, "training", e.what()};
  }
}

Status train(const TrainingSet& data, std::uint64_t seed, const std::string& path, const Recipe& recipe,
             jit::Module (*make)(at::Generator&)) {
  return train(data, seed, [&](Training& training) {
    jit::Module net = make(training.random);
    const Loss loss = [&](const at::Tensor& rows, const at::Tensor& labels) {
      return at::cross_entropy_loss(net.forward({rows}).toTensor(), labels);
    };
    fit(weights_of(net), loss, training.images, training.labels, recipe, training.random);
    save(std::move(net), path);
  });
}

// ---- early exits

constexpr const char* as_pictures = "    x = x.reshape(-1, 1, 8, 8)\n";
// Two convolutions, and a classifier that looks at the mean of each channel.
constexpr const char* layers = R"(
    x = torch.relu(torch.conv2d(x, self.one_weight, self.one_bias, [1, 1], [1, 1]))
    x = torch.relu(torch.conv2d(x, self.two_weight, self.two_bias, [1, 1], [1, 1]))
)";
constexpr const char* scores = "torch.linear(torch.mean(x, [2, 3]), self.last_weight, self.last_bias)";

jit::Module segment(const std::string& name, std::int64_t inputs, std::int64_t channels, at::Generator& random) {
  jit::Module net(name);
  add_layer(net, "one", {channels, inputs, 3, 3}, random);
  add_layer(net, "two", {channels, channels, 3, 3}, random);
  add_layer(net, "last", {classes, channels}, random);
  net.define("\ndef forward(self, x):\n" + std::string(inputs == 1 ? as_pictures : "") + layers + "    return " +
             scores + ", x\n");
  return net;
}

// The same layers one after another, with the last classifier only; it shares their weights.
jit::Module whole_net(const std::vector<jit::Module>& segments) {
  jit::Module net("Whole");
  std::string body = as_pictures;
  for (std::size_t k = 0; k < segments.size(); ++k)
    for (const std::string layer : {"one", "two", "last"}) {
      if (layer == "last" && k + 1 < segments.size()) continue;
      const std::string name = layer + std::to_string(k);
      for (const std::string part : {"_weight", "_bias"})
        net.register_parameter(name + part, segments[k].attr(layer + part).toTensor(), false);
      body += layer == "last"
                  ? "    return torch.linear(torch.mean(x, [2, 3]), self." + name + "_weight, self." + name + "_bias)\n"
                  : "    x = torch.relu(torch.conv2d(x, self." + name + "_weight, self." + name +
                        "_bias, [1, 1], [1, 1]))\n";
    }
  net.define("\ndef forward(self, x):\n" + body);
  return net;
}

// The sum of what all classifiers lose.
at::Tensor exit_losses(std::vector<jit::Module>& segments, at::Tensor x, const at::Tensor& labels) {
  at::Tensor sum = at::zeros({});
  for (jit::Module& part : segments) {
    const auto said = part.forward({x}).toTuple();
    sum = sum + at::cross_entropy_loss(said->elements()[0].toTensor(), labels);
    x = said->elements()[1].toTensor();
  }
  return sum;
}

}  // namespace

Status train_tiny(const TrainingSet& data, std::uint64_t seed, const std::string& path) {
  return train(data, seed, path, {.epochs = 30, .batch = 64, .rate = 0.01, .decay = 0.01, .shift = false}, tiny_net);
}

Status train_large(const TrainingSet& data, std::uint64_t seed, const std::string& path) {
  return train(data, seed, path, {.epochs = 12, .batch = 32, .rate = 0.002, .decay = 0.01, .shift = true}, large_net);
}

Status train_exits(const TrainingSet& data, std::uint64_t seed, int channels, int epochs, const std::string& folder) {
  const Recipe recipe{.epochs = epochs, .batch = 16, .rate = 0.003, .decay = 0.01, .shift = true};
  return train(data, seed, [&](Training& training) {
    std::vector<jit::Module> segments;
    std::vector<at::Tensor> weights;
    for (const char* name : {"First", "Second", "Third"}) {
      segments.push_back(segment(name, segments.empty() ? 1 : channels, channels, training.random));
      for (const at::Tensor& w : weights_of(segments.back())) weights.push_back(w);
    }
    const Loss loss = [&](const at::Tensor& rows, const at::Tensor& labels) {
      return exit_losses(segments, rows, labels);
    };
    fit(weights, loss, training.images, training.labels, recipe, training.random);
    save(whole_net(segments), folder + "/whole.pt");
    save(segments[0], folder + "/first.pt");
    save(segments[1], folder + "/second.pt");
    save(segments[2], folder + "/third.pt");
  });
}

}  // namespace tailrace::cli
