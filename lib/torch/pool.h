#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace tailrace::torch::detail {

// Objects that are used again: one that the last user lets go of comes back here, as it is, instead of being destroyed.
// Any threads may take and let go. In steady state nothing is allocated: the shared_ptr's counts stand in the object's
// own node. What is out when the pool goes lives on, and is destroyed when it is let go.
template <class T>
class Pool {
 public:
  // At most `most` wait to be used again; further ones are destroyed.
  explicit Pool(std::size_t most = 64) : home_(std::make_shared<Home>(most)) {}
  Pool(Pool&&) noexcept = default;
  ~Pool() {
    if (home_) home_->close();
  }

  // One that waits, else what `make()` gives.
  template <class Make>
  std::shared_ptr<T> take(const Make& make) {
    Node* node = home_->pop();
    if (node == nullptr) node = new Node(make());
    node->home = home_;
    return std::shared_ptr<T>(
        &node->value, [](T*) {}, InNode<T>{node});  // the allocator brings it back, see below
  }
  // How many wait.
  std::size_t waiting() const {
    const std::lock_guard lock(home_->mutex);
    return home_->count;
  }

 private:
  struct Home;
  struct Node {
    explicit Node(T&& v) : value(std::move(v)) {}
    T value;
    std::shared_ptr<Home> home = nullptr;  // while it is out
    Node* next = nullptr;
    alignas(std::max_align_t) std::array<std::byte, 64> counts;  // where the shared_ptr has them
  };
  struct Home {
    explicit Home(std::size_t m) : most(m) {}
    void close() {
      {
        const std::lock_guard lock(mutex);
        most = 0;
      }
      while (Node* node = pop()) delete node;
    }
    Node* pop() {
      const std::lock_guard lock(mutex);
      Node* node = first;
      if (node) first = node->next, --count;
      return node;
    }
    void push(Node* node) {
      {
        const std::lock_guard lock(mutex);
        if (count < most) {
          node->next = first, first = node, ++count;
          return;
        }
      }
      delete node;
    }
    std::mutex mutex;
    Node* first = nullptr;
    std::size_t count = 0;
    std::size_t most;
  };
  // Gives the node's own memory for the counts. They are let go of last, after the last user and the last weak_ptr.
  template <class U>
  struct InNode {
    using value_type = U;
    explicit InNode(Node* n) : node(n) {}
    template <class V>
    InNode(const InNode<V>& other) : node(other.node) {}  // NOLINT: as every allocator
    U* allocate(std::size_t) {
      static_assert(sizeof(U) <= sizeof(Node::counts) && alignof(U) <= alignof(std::max_align_t));
      return reinterpret_cast<U*>(node->counts.data());
    }
    void deallocate(U*, std::size_t) {
      const std::shared_ptr<Home> home = std::move(node->home);
      home->push(node);
    }
    template <class V>
    bool operator==(const InNode<V>& other) const {
      return node == other.node;
    }
    Node* node;
  };

  std::shared_ptr<Home> home_;
};

}  // namespace tailrace::torch::detail
