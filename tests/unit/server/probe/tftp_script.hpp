#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "protocols/tftp/packet.hpp"
#include "server/loop/net.hpp"
#include "tests/support/comes.hpp"

namespace test {

using Packet = std::vector<std::byte>;

inline Packet packet_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline Packet data_packet(std::uint64_t number, std::string_view content) {
  Packet packet(tftp::data_header_size);
  tftp::encode_data_header(std::span(packet).first<tftp::data_header_size>(),
                           static_cast<std::uint16_t>(number));
  const auto bytes = packet_of(content);
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  return packet;
}

inline Packet oack_packet(std::vector<tftp::Option> accepted) {
  tftp::Negotiated negotiated;
  negotiated.accepted = std::move(accepted);
  return tftp::encode_oack(negotiated);
}

inline Packet error_packet(std::uint16_t code, std::string_view text) {
  auto packet = tftp::encode_error(static_cast<tftp::ErrorCode>(code), "");
  const auto bytes = packet_of(text);
  packet.insert(packet.end() - 1, bytes.begin(), bytes.end());  // as it is: a server may be hostile
  return packet;
}

// A socket of a server that says what a test says.
class Speaker {
 public:
  Speaker(const server::net::ip::address& address, server::udp::endpoint client)
      : socket_(loop_, server::udp::endpoint(address, 0)), client_(std::move(client)) {}

  void say(const Packet& packet) { socket_.send_to(server::net::buffer(packet), client_); }
  // The client's next packet; empty where none comes within ten seconds.
  Packet hear() {
    if (!comes(socket_.native_handle(), 10'000)) return {};
    Packet packet(2048);
    server::error_code error;
    packet.resize(socket_.receive(server::net::buffer(packet), 0, error));
    return packet;
  }
  // Waits for the ACK of that block, past those of blocks before it. False: the client ended it.
  bool hears_ack(std::uint64_t number) {
    const auto ack = tftp::encode_ack(static_cast<std::uint16_t>(number));
    for (auto packet = hear(); packet.size() == ack.size(); packet = hear())
      if (packet == Packet(ack.begin(), ack.end())) return true;
    return false;
  }
  // Blocks from 1 on, each when the one before it was acknowledged. How many were.
  std::uint64_t send(std::string_view content, std::size_t block_size) {
    for (std::uint64_t number = 1;; ++number) {
      const auto piece = content.substr(0, block_size);
      content.remove_prefix(piece.size());
      say(data_packet(number, piece));
      if (!hears_ack(number)) return number - 1;
      if (piece.size() < block_size) return number;
    }
  }
  server::udp::endpoint endpoint() const { return socket_.local_endpoint(); }
  void close() { socket_.close(); }

 private:
  server::net::io_context loop_;
  server::udp::socket socket_;
  server::udp::endpoint client_;
};

// One request, and the port that answers it.
struct Transfer : Speaker {
  Transfer(const server::udp::endpoint& from, tftp::Request what)
      : Speaker(server::net::ip::address_v4::loopback(), from), client(from), request(std::move(what)) {}

  bool has_option(std::string_view name) const {
    for (const auto& option : request.options)
      if (option.name == name) return true;
    return false;
  }

  server::udp::endpoint client;
  tftp::Request request;
};

// A TFTP server on the loopback, with a thread of its own, that answers each request as a test says.
class TftpScript {
 public:
  using Serve = std::function<void(Transfer&)>;

  explicit TftpScript(Serve serve)
      : serve_(std::move(serve)),
        socket_(loop_, server::udp::endpoint(server::net::ip::address_v4::loopback(), 0)),
        endpoint_(socket_.local_endpoint()),
        thread_([this] { run(); }) {}
  TftpScript(const TftpScript&) = delete;
  TftpScript& operator=(const TftpScript&) = delete;
  ~TftpScript() { stop(); }

  server::udp::endpoint endpoint() const { return endpoint_; }
  // Those that came so far, once it serves no more.
  std::vector<tftp::Request> requests() {
    stop();
    return requests_;
  }

 private:
  void stop() {
    if (!thread_.joinable()) return;
    server::net::io_context loop;
    server::udp::socket socket(loop, server::udp::endpoint(endpoint_.protocol(), 0));
    socket.send_to(server::net::buffer("", 0), endpoint_);
    thread_.join();
  }
  void run() {
    for (;;) {
      Packet packet(4096);
      server::udp::endpoint from;
      packet.resize(socket_.receive_from(server::net::buffer(packet), from));
      if (packet.empty()) return;
      auto request = tftp::parse_request(packet);
      if (!request) continue;
      requests_.push_back(*request);
      // Its port stays open, or the client would hear that it is closed.
      transfers_.push_back(std::make_unique<Transfer>(from, std::move(*request)));
      serve_(*transfers_.back());
    }
  }

  const Serve serve_;
  server::net::io_context loop_;
  server::udp::socket socket_;
  const server::udp::endpoint endpoint_;
  std::vector<tftp::Request> requests_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
  std::thread thread_;  // the last one: it uses all others
};

}  // namespace test
