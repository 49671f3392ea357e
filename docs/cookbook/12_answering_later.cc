// Asynchronous stages: the value comes later, from a thread of somebody else's, and no thread of the engine waits for
// it.
#include <tailrace/tailrace.h>

#include <condition_variable>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace tr = tailrace;
using namespace std::chrono_literals;

namespace {

// A client of some store, as its library would give it to you: one thread, which answers question after question.
class Client {
 public:
  void get(std::string key, tr::Completion<std::string> done) {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back({std::move(key), std::move(done)});
    }
    some_.notify_one();
  }
  ~Client() {
    get("", tr::Completion<std::string>({}));
    thread_.join();
  }

 private:
  struct Question {
    std::string key;
    tr::Completion<std::string> done;
  };
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      some_.wait(lock, [&] { return !asked_.empty(); });
      Question q = std::move(asked_.front());
      asked_.pop_front();
      lock.unlock();
      if (q.key.empty()) return;
      if (q.key == "nobody") q.done.fail({tr::Code::stage_failed, "the store knows nobody of this name"});
      else if (q.key == "slow") slow_.push_back(std::move(q.done));  // never used while the program runs
      else q.done.complete("<" + q.key + ">");
    }
  }
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<Question> asked_;
  std::deque<tr::Completion<std::string>> slow_;
  std::thread thread_{[this] { serve(); }};
};

void print(const tr::Outcome<std::string>& o) {
  if (o) std::cout << *o << '\n';
  else std::cout << name(o.error().code()) << " at '" << o.error().where() << "': " << o.error().what() << '\n';
}

}  // namespace

int main() {
  const auto trim = [](const std::string& name) { return name.substr(0, name.find(' ')); };
  const auto shout = [](const std::string& record) { return record + "!"; };

  auto client = std::make_unique<Client>();
  const auto fetch = [&](const std::string& key, tr::Completion<std::string> done) {
    client->get(key, std::move(done));
  };
  auto greet = tr::flow<std::string>("greet", [&](tr::Stream<std::string> name) {
    return name.then("trim", trim).then("fetch", fetch).then("shout", shout);
  });
  auto engine = tr::start(greet, {.threads = 1}).value();

  print(engine.run("ada lovelace"));
  print(engine.run("nobody"));
  print(engine.run("slow", {.within = 20ms}));  // its Completion is still out there
  print(engine.run("grace hopper"));            // and holds no thread

  for (const std::string& stage : engine.drain(tr::Clock::now() + 1ms)) std::cout << "still out: " << stage << '\n';
  client.reset();  // gives up what it has not used, so that the engine can be destroyed
}
