#pragma once
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/os/control_socket.hpp"

namespace test {

// Stands for a running server: answers what a command asks over the control socket in `folder`.
class AnsweringServer {
 public:
  struct Reply {
    unsigned status = 200;
    std::string body;
    bool cut = false;  // the connection ends in the middle of it
  };
  using Answer = std::function<Reply(const std::string& request)>;  // "GET /api/v1/status"

  AnsweringServer(const std::filesystem::path& folder, Answer answer)
      : answer_(std::move(answer)), socket_(loop_, folder) {
    accept();
    thread_ = std::thread([this] { loop_.run(); });
  }
  AnsweringServer(const AnsweringServer&) = delete;
  AnsweringServer& operator=(const AnsweringServer&) = delete;
  ~AnsweringServer() {
    loop_.stop();
    thread_.join();
  }

  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  using Socket = server::ControlSocket::Protocol::socket;

  void accept() {
    socket_.acceptor.async_accept([this](const server::error_code& error, Socket client) {
      if (error) return;
      serve(client);
      accept();
    });
  }

  // Until the command closes the connection.
  void serve(Socket& client) {
    std::string received;
    server::error_code error;
    for (;;) {
      const auto size =
          server::net::read_until(client, server::net::dynamic_buffer(received), "\r\n\r\n", error);
      if (error) return;
      const auto request = received.substr(0, received.find(" HTTP/"));
      received.erase(0, size);
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(request);
      }
      const auto reply = answer_(request);
      auto text =
          "HTTP/1.1 " + std::to_string(reply.status) +
          " Told\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(reply.body.size()) +
          "\r\n\r\n" + reply.body;
      if (reply.cut) text.pop_back();
      server::net::write(client, server::net::buffer(text), error);
      if (error || reply.cut) return;
    }
  }

  const Answer answer_;
  server::net::io_context loop_;
  server::ControlSocket socket_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::thread thread_;
};

}  // namespace test
