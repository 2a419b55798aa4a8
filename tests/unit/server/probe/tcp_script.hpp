#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "server/loop/net.hpp"
#include "tests/support/sigpipe.hpp"

namespace test {

// A server of connections on the loopback, with a thread of its own, that does with each what a test says. A
// connection stays open until the script goes, unless the test closes it.
class TcpScript {
 public:
  using Serve = std::function<void(server::tcp::socket&)>;

  explicit TcpScript(Serve serve)
      : serve_(std::move(serve)),
        acceptor_(loop_, server::tcp::endpoint(server::net::ip::address_v4::loopback(), 0)),
        port_(acceptor_.local_endpoint().port()),
        thread_([this] { run(); }) {}
  TcpScript(const TcpScript&) = delete;
  TcpScript& operator=(const TcpScript&) = delete;
  ~TcpScript() { stop(); }

  std::uint16_t port() const { return port_; }
  // After the last connection was served.
  void stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    server::net::io_context loop;
    server::tcp::socket last(loop);
    server::error_code ignored;
    last.connect(server::tcp::endpoint(server::net::ip::address_v4::loopback(), port_), ignored);
    thread_.join();
  }

 private:
  void run() {
    for (;;) {
      auto& connection = connections_.emplace_back(loop_);
      server::error_code error;
      acceptor_.accept(connection, error);
      if (error || stopping_) return;
      serve_(connection);
    }
  }

  const Serve serve_;
  server::net::io_context loop_;
  server::tcp::acceptor acceptor_;
  const std::uint16_t port_;
  std::list<server::tcp::socket> connections_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // the last one: it uses all others
};

inline void say(server::tcp::socket& connection, std::string_view text) {
  server::error_code error;
  while (!text.empty() && !error) text.remove_prefix(connection.write_some(server::net::buffer(text), error));
}

// What comes until `end` has come, or the other side has closed.
inline std::string hear_until(server::tcp::socket& connection, std::string_view end) {
  std::string heard;
  char byte = 0;
  server::error_code error;
  while (!heard.ends_with(end) && connection.read_some(server::net::buffer(&byte, 1), error) == 1 && !error)
    heard += byte;
  return heard;
}

}  // namespace test
