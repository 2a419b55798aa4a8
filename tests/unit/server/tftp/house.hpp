#pragma once
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/load.hpp"
#include "protocols/tftp/packet.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"
#include "server/events/warning.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/tftp/listener.hpp"
#include "tests/support/temp_dir.hpp"

namespace test {

constexpr std::chrono::seconds patience{60};  // for what needs no time at all on an idle machine

// Packets as texts: an opcode, a number, and what follows.
inline std::string packet_of(unsigned opcode, unsigned number, std::string_view rest = {}) {
  std::string packet;
  for (const unsigned half : {opcode, number}) {
    packet += static_cast<char>(half >> 8 & 0xff);
    packet += static_cast<char>(half & 0xff);
  }
  return packet.append(rest);
}
inline std::string data(unsigned block, std::string_view bytes) { return packet_of(3, block, bytes); }
inline std::string ack(unsigned block) { return packet_of(4, block); }
inline std::string error_packet(unsigned code, std::string_view text) {
  return packet_of(5, code, text) + '\0';
}

using Options = std::vector<std::pair<std::string, std::string>>;

inline std::string texts_of(const Options& options) {
  std::string texts;
  for (const auto& [name, value] : options) texts += name + '\0' + value + '\0';
  return texts;
}
inline std::string oack(const Options& options) { return std::string("\0\6", 2) + texts_of(options); }
inline std::string rrq(const std::string& name, const Options& options = {},
                       const std::string& mode = "octet") {
  return std::string("\0\1", 2) + name + '\0' + mode + '\0' + texts_of(options);
}
inline std::string wrq(const std::string& name, const Options& options = {},
                       const std::string& mode = "octet") {
  return std::string("\0\2", 2) + name + '\0' + mode + '\0' + texts_of(options);
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline unsigned number_in(const std::string& packet, std::size_t at) {
  REQUIRE(packet.size() >= at + 2);
  return tftp::number_at(bytes_of(packet), at);
}
inline unsigned opcode_of(const std::string& packet) { return number_in(packet, 0); }

// A text of which no two blocks are alike.
inline std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ' ';
  text.resize(size);
  return text;
}

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What was told, copied.
struct TftpTold {
  struct Requested {
    std::string name, served;  // served: where the name stands for another file
    bool write;
  };
  std::vector<std::string> order;
  std::vector<Requested> requested;
  std::vector<server::event::TransferBegan> began;
  std::vector<server::event::TransferEnded> ended;
  std::vector<server::event::TftpRefused> refused;
  std::vector<server::event::TftpLimited> limited;
  std::vector<server::event::Missed> missed;
  std::vector<server::event::Warned> warned;

  void listen_to(server::Events& events) {
    events.listen([this](const server::Event& event) { note(event); });
  }

 private:
  void note(const server::Event& event) {
    using namespace server::event;
    if (const auto* asked = event.get_if<TftpRequested>()) {
      order.emplace_back("requested");
      requested.push_back({asked->name, asked->remapped ? asked->remapped->to : "", asked->write});
    }
    keep(event, began, "began");
    keep(event, ended, "ended");
    keep(event, refused, "refused");
    keep(event, limited, "limited");
    keep(event, missed, "missed");
    keep(event, warned, "warned");
  }
  template <class One>
  void keep(const server::Event& event, std::vector<One>& all, const char* name) {
    const auto* one = event.get_if<One>();
    if (!one) return;
    order.emplace_back(name);
    all.push_back(*one);
  }
};

// What a service of TFTP needs, on one thread: nothing happens but when the test lets the loop run.
struct TftpGround {
  using Change = std::function<void(conf::Settings&)>;

  explicit TftpGround(const Change& change = {}) : settings(settings_with(change)) { told.listen_to(events); }

  TempDir directory;
  server::LiveSettings settings;
  server::Events events;
  TftpTold told;
  server::Running running{events};
  server::net::io_context loop;
  server::Library library{settings->depot, settings->uploads};
  server::Lanes lanes{loop};

  template <class Condition>
  void run_until(Condition done) {
    const auto guard = going_on();
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done()) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      loop.run_one_for(std::chrono::milliseconds(100));
    }
  }
  // Until all has been done that needs no time.
  void settle() {
    const auto guard = going_on();
    while (loop.poll() > 0 || lanes.busy() > 0)
      if (lanes.busy() > 0) loop.run_one_for(std::chrono::milliseconds(100));
  }
  void change_settings(const Change& change) { settings.replace(settings_with(change)); }

  std::filesystem::path uploaded(const std::string& name) const {
    return directory / ("images/uploads/" + name);
  }
  bool stages_nothing() const { return std::filesystem::is_empty(library.depot.staging()); }

 private:
  // Without it the loop ends as soon as nothing but a worker is busy.
  server::net::executor_work_guard<server::net::io_context::executor_type> going_on() {
    loop.restart();
    return server::net::make_work_guard(loop);
  }
  std::shared_ptr<const conf::Settings> settings_with(const Change& change) const {
    auto changed = conf::load_defaults().settings;
    changed.depot = directory.path();
    changed.uploads.reserve = 0;  // whatever room the machine has
    if (change) change(changed);
    return std::make_shared<const conf::Settings>(std::move(changed));
  }
};

// A whole service, which listens on a port of this host.
struct TftpHouse : TftpGround {
  explicit TftpHouse(const Change& change = {}) : TftpGround(change) { address = serve("127.0.0.1"); }

  server::TftpService tftp{loop, lanes, events, settings, library, running};
  server::udp::endpoint address;  // the first one that it listens on

  server::udp::endpoint serve(const char* at) {
    server::udp::socket listener(loop, server::udp::endpoint(server::net::ip::make_address(at), 0));
    server::prepare_listener(listener);
    listener.non_blocking(true);
    const auto endpoint = listener.local_endpoint();
    tftp.serve(std::move(listener));
    return endpoint;
  }
};

// A device of the house: each has a port of its own.
class TftpClient {
 public:
  explicit TftpClient(TftpHouse& house)
      : house_(house),
        socket_(house.loop, server::udp::endpoint(server::net::ip::address_v4::loopback(), 0)) {
    socket_.non_blocking(true);
    server::error_code ignored;
    socket_.set_option(server::net::socket_base::receive_buffer_size(1 << 20), ignored);
  }

  void send_to(const server::udp::endpoint& to, const std::string& packet) {
    socket_.send_to(server::net::buffer(packet), to);
  }
  void send(const std::string& packet) { send_to(house_.address, packet); }
  void reply(const std::string& packet) { send_to(from_, packet); }  // to whoever sent the last one

  // The next packet. After one that draws no answer, the answer to the next question shows that.
  std::string receive() {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
      server::error_code failure;
      const auto size = socket_.receive_from(server::net::buffer(buffer_), from_, 0, failure);
      if (!failure) return last_ = std::string(buffer_.data(), size);
      REQUIRE(std::chrono::steady_clock::now() < end);
      house_.loop.restart();
      house_.loop.run_one_for(std::chrono::milliseconds(100));
    }
  }
  std::string ask(const std::string& packet) {
    send(packet);
    return receive();
  }
  // The next packet that is not the last one again: on a slow machine the service repeats it meanwhile.
  std::string reply_and_receive(const std::string& packet) {
    const auto last = last_;
    reply(packet);
    for (;;)
      if (auto next = receive(); next != last) return next;
  }
  // Passes over all others.
  void await(const std::string& packet) {
    while (receive() != packet) continue;
  }
  bool has_packet() { return socket_.available() > 0; }
  void close() { socket_.close(); }

  const server::udp::endpoint& from() const { return from_; }
  server::udp::endpoint endpoint() const { return socket_.local_endpoint(); }

  // What a file has from `packet` on, which is its block `first`, in windows of so many blocks.
  std::string take_file(std::string packet, std::size_t block_size = 512, unsigned window = 1,
                        unsigned first = 1) {
    std::string content;
    unsigned block = first - 1;
    if (opcode_of(packet) == 6) packet = reply_and_receive(ack(0));
    for (;; packet = receive()) {
      REQUIRE(opcode_of(packet) == 3);
      if (number_in(packet, 2) <= block) continue;  // on a slow machine some come again
      REQUIRE(number_in(packet, 2) == ++block);
      const auto bytes = packet.substr(4);
      REQUIRE(bytes.size() <= block_size);
      content += bytes;
      const bool last = bytes.size() < block_size;
      if (last || block % window == 0) reply(ack(block));
      if (last) return content;
    }
  }
  std::string fetch(const std::string& name) { return take_file(ask(rrq(name))); }

 private:
  TftpHouse& house_;
  server::udp::socket socket_;
  server::udp::endpoint from_;
  std::array<char, 65'536> buffer_{};
  std::string last_;
};

}  // namespace test
