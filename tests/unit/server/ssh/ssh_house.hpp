#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/algorithms.hpp"
#include "conf/load.hpp"
#include "server/events/all.hpp"
#include "server/events/events.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/ssh/listener.hpp"
#include "server/ssh/moduli.hpp"
#include "tests/fuzz/ssh_client.hpp"
#include "tests/support/kept_event.hpp"
#include "tests/support/temp_dir.hpp"

// The SSH service and clients that may send it any packet, all on one thread.
namespace test {

using fuzz::SshFields;

// The types of packets (RFC 4252 6, RFC 4253 12, RFC 4254 9), and of SFTP's below.
namespace packet {
constexpr std::uint8_t disconnect = 1, ignore = 2, service_request = 5, service_accept = 6, kexinit = 20,
                       userauth_request = 50, userauth_failure = 51, userauth_success = 52, pk_ok = 60,
                       info_request = 60, info_response = 61, global_request = 80, request_failure = 82,
                       channel_open = 90, channel_opened = 91, open_failure = 92, window_adjust = 93,
                       channel_data = 94, extended_data = 95, channel_eof = 96, channel_close = 97,
                       channel_request = 98, channel_success = 99, channel_failure = 100;
}  // namespace packet

inline std::uint8_t kind_of(const std::string& payload) { return static_cast<std::uint8_t>(payload.at(0)); }

inline std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(fuzz::octets(text), fuzz::octets(bytes), static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

inline fuzz::PrivateKey key_of(char seed) {
  return fuzz::private_key(EVP_PKEY_ED25519, std::string(32, seed));
}
inline const fuzz::PrivateKey& user_key() {
  static const auto key = key_of('k');
  return key;
}
inline std::string authorized_line(const fuzz::PrivateKey& key) {
  return "ssh-ed25519 " + base64(fuzz::ed25519_blob(key));
}
inline std::string key_text(const fuzz::PrivateKey& key) {
  auto text = base64(fuzz::sha256(fuzz::ed25519_blob(key)));
  while (text.ends_with('=')) text.pop_back();
  return "ED25519 SHA256:" + text;
}

inline conf::User user_named(const std::string& name, std::vector<std::string> keys,
                             const std::string& hash = "") {
  conf::User user;
  user.name = name;
  user.authorized_keys = std::move(keys);
  user.password_hash = hash;
  return user;
}

inline std::vector<server::HostKeyPair> host_keys() {
  ssh_key raw = nullptr;
  REQUIRE(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &raw) == SSH_OK);
  server::ssh::Key key(raw);
  auto fingerprint = server::ssh::fingerprint(raw);
  std::vector<server::HostKeyPair> keys;
  keys.push_back({std::move(key), "ssh-ed25519", std::move(fingerprint)});
  return keys;
}

class SshVisitor;

// The service with a depot of its own. Nothing happens but while the test waits for something. Unless the
// test says otherwise there is a user "ewc" who may upload, and loopback is trusted.
class SshHouse {
 public:
  using Change = std::function<void(conf::Settings&)>;

  explicit SshHouse(const Change& change = {}, bool has_keys = true)
      : settings(settings_for(directory.path(), change)), library(settings->depot, settings->uploads) {
    directory.write("images/EWC/17_9_4a/ap1g8", image());
    events.listen([this](const server::Event& event) {
      event.visit([this](const auto& one) { told.emplace_back(one); });
    });
    server::tcp::acceptor acceptor(loop, {server::net::ip::address_v4::loopback(), 0});
    address = acceptor.local_endpoint();
    service.serve(std::move(acceptor));
    if (conf::offers_group_exchange(settings->ssh)) server::write_moduli(library.depot);
    service.bound_open_files({1000, 500, 250});
    if (has_keys) service.use(host_keys());
  }
  SshHouse(const SshHouse&) = delete;
  SshHouse& operator=(const SshHouse&) = delete;
  ~SshHouse() {
    service.stop_listening();
    service.stop_sessions();
    const auto end = Clock::now() + longest_wait;
    while ((service.running() > 0 || lanes.busy() > 0) && Clock::now() < end) loop.run_one_for(one_moment);
    loop.poll();
  }

  // 100,000 bytes, no two pages of them alike.
  static const std::string& image() {
    static const auto bytes = [] {
      std::string made;
      for (unsigned i = 0; made.size() < 100'000; ++i) made += std::to_string(i) + ",";
      made.resize(100'000);
      return made;
    }();
    return bytes;
  }

  template <class Condition>
  void until(Condition condition) {
    const auto end = Clock::now() + longest_wait;
    while (!condition()) {
      REQUIRE(Clock::now() < end);
      if (!round()) loop.run_one_for(one_moment);
    }
  }
  // Until all has happened that can without a timer or another packet.
  void settle() {
    int idle = 0;
    until([&] {
      const bool moved = round() || lanes.busy() > 0 || loop.run_one_for(one_moment) > 0;
      idle = moved ? 0 : idle + 1;
      return idle == 3;
    });
  }
  void until_empty() {
    until([this] { return service.running() == 0; });
    settle();
  }

  template <class One>
  std::vector<One> all() const {
    std::vector<One> found;
    for (const auto& event : told) {
      if (const auto* one = event->template get_if<One>()) found.push_back(*one);
    }
    return found;
  }
  template <class One>
  One only() const {
    const auto found = all<One>();
    REQUIRE(found.size() == 1);
    return found[0];
  }
  template <class One>
  void until_told(std::size_t count = 1) {
    until([&] { return all<One>().size() >= count; });
  }
  std::vector<std::string> refused() const {
    std::vector<std::string> texts;
    for (const auto& one : all<server::event::SshRefused>()) texts.push_back(one.what);
    return texts;
  }

  TempDir directory;
  server::net::io_context loop{1};
  server::Events events;
  server::Lanes lanes{loop};
  server::LiveSettings settings;
  server::Library library;
  server::Running running{events};
  std::vector<KeptEvent> told;
  std::vector<SshVisitor*> visitors;
  server::tcp::endpoint address;
  server::SshService service{loop, lanes, events, settings, library, running};

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds longest_wait{20};
  static constexpr std::chrono::milliseconds one_moment{1};

  static std::shared_ptr<const conf::Settings> settings_for(const std::filesystem::path& depot,
                                                            const Change& change) {
    auto settings = conf::load_defaults().settings;
    settings.depot = depot;
    settings.ssh.trusted = {*conf::parse_network("127.0.0.0/8")};
    settings.ssh.users = {user_named("ewc", {authorized_line(user_key())})};
    settings.ssh.users[0].uploads = true;
    if (change) change(settings);
    return std::make_shared<const conf::Settings>(std::move(settings));
  }

  bool round();

  server::net::executor_work_guard<server::net::io_context::executor_type> guard_{loop.get_executor()};
};

struct Farewell {
  std::uint32_t code = 0;
  std::string text;
  friend bool operator==(const Farewell&, const Farewell&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Farewell& one) {
    return out << one.code << ": " << one.text;
  }
};

// One client. It does what it is told, and reads what comes.
class SshVisitor {
 public:
  explicit SshVisitor(SshHouse& house) : house_(house), socket_(house.loop) {
    socket_.connect(house.address);
    socket_.non_blocking(true);
    port = socket_.local_endpoint().port();
    house.visitors.push_back(this);
  }
  SshVisitor(const SshVisitor&) = delete;
  SshVisitor& operator=(const SshVisitor&) = delete;
  ~SshVisitor() { std::erase(house_.visitors, this); }

  // True when bytes moved.
  bool move() {
    if (gone_) return false;
    server::error_code error;
    unsent_ += ssh.take_output();
    const auto sent = unsent_.empty() ? 0 : socket_.write_some(server::net::buffer(unsent_), error);
    unsent_.erase(0, sent);
    std::string bytes(64 << 10, '\0');
    bytes.resize(socket_.read_some(server::net::buffer(bytes), error));
    if (error == server::net::error::would_block) return sent > 0;
    gone_ = static_cast<bool>(error);
    received += bytes;
    ssh.feed(bytes);
    for (auto& payload : std::exchange(ssh.packets(), {})) {
      if (kind_of(payload) != packet::window_adjust) inbox_.push_back(std::move(payload));
    }
    return true;
  }

  void leave() {
    server::error_code ignored;
    socket_.close(ignored);
    gone_ = true;
  }
  void reset() {
    socket_.set_option(server::net::socket_base::linger(true, 0));
    leave();
  }

  void send(const SshFields& fields) { ssh.send(fields.text()); }
  bool has_mail() const { return !inbox_.empty(); }
  std::string next() {
    house_.until([this] { return has_mail() || gone_; });
    REQUIRE(has_mail());
    return take(inbox_.begin());
  }
  std::string answer_to(const SshFields& fields) {
    send(fields);
    return next();
  }
  // The next packet for that channel, by our number.
  std::string next_of(std::uint32_t channel) {
    const auto is_its = [channel](const std::string& payload) {
      return kind_of(payload) > packet::channel_open && fuzz::u32_at(payload, 1) == channel;
    };
    house_.until([&] { return std::ranges::any_of(inbox_, is_its) || gone_; });
    const auto place = std::ranges::find_if(inbox_, is_its);
    REQUIRE(place != inbox_.end());
    return take(place);
  }
  // The server's DISCONNECT, once it has closed the connection.
  Farewell farewell() {
    house_.until([this] { return gone_; });
    const auto place = std::ranges::find(inbox_, packet::disconnect, kind_of);
    if (place == inbox_.end()) return {};
    std::size_t text = 5;
    return {fuzz::u32_at(*place, 1), fuzz::string_at(*place, text)};
  }
  bool gone() const { return gone_; }

  // Keys are in use, and a login may be asked for.
  void agree() {
    ssh.begin();
    ssh.exchange_keys();
    house_.until([this] { return ssh.secret(); });
    REQUIRE(kind_of(answer_to(SshFields(packet::service_request).string("ssh-userauth"))) ==
            packet::service_accept);
  }
  void log_in(const std::string& name = "ewc") {
    agree();
    REQUIRE(kind_of(answer_to(signed_key(name, user_key()))) == packet::userauth_success);
  }

  static SshFields login(std::string_view name, std::string_view method) {
    return SshFields(packet::userauth_request).string(name).string("ssh-connection").string(method);
  }
  static SshFields password(std::string_view name, std::string_view word) {
    return login(name, "password").byte(0).string(word);
  }
  static SshFields shown_key(std::string_view name, const fuzz::PrivateKey& key) {
    return login(name, "publickey").byte(0).string("ssh-ed25519").string(fuzz::ed25519_blob(key));
  }
  SshFields signed_key(std::string_view name, const fuzz::PrivateKey& key) const {
    return signed_as(name, key, ssh.session_id());
  }
  static SshFields forged_key(std::string_view name, const fuzz::PrivateKey& key) {
    return signed_as(name, key, "another session");
  }

  // The server's number of the channel.
  std::uint32_t open_channel(std::uint32_t ours = 0, std::uint32_t window = 2 << 20,
                             std::uint32_t largest = 32768) {
    send(channel_open("session", ours, window, largest));
    const auto answer = next_of(ours);
    REQUIRE(kind_of(answer) == packet::channel_opened);
    return fuzz::u32_at(answer, 5);
  }
  static SshFields channel_open(std::string_view type, std::uint32_t ours, std::uint32_t window = 2 << 20,
                                std::uint32_t largest = 32768) {
    return SshFields(packet::channel_open).string(type).u32(ours).u32(window).u32(largest);
  }
  static SshFields request(std::uint32_t theirs, std::string_view what, const SshFields& more = {},
                           bool wants_reply = true) {
    return SshFields(packet::channel_request)
        .u32(theirs)
        .string(what)
        .byte(wants_reply ? 1 : 0)
        .raw(more.text());
  }
  static SshFields data(std::uint32_t theirs, std::string_view bytes) {
    return SshFields(packet::channel_data).u32(theirs).string(bytes);
  }
  static SshFields about(std::uint8_t type, std::uint32_t theirs) { return SshFields(type).u32(theirs); }

  fuzz::SshClient ssh;
  std::string received;  // every byte, raw
  std::uint16_t port = 0;

 private:
  static SshFields signed_as(std::string_view name, const fuzz::PrivateKey& key, std::string_view session) {
    auto fields = login(name, "publickey").byte(1).string("ssh-ed25519").string(fuzz::ed25519_blob(key));
    const auto text = SshFields().string(session).raw(fields.text()).text();
    return fields.string(fuzz::ed25519_signature(key, text));
  }
  std::string take(std::vector<std::string>::iterator place) {
    auto payload = std::move(*place);
    inbox_.erase(place);
    return payload;
  }

  SshHouse& house_;
  server::tcp::socket socket_;
  std::string unsent_;
  std::vector<std::string> inbox_;
  bool gone_ = false;
};

// A house with a client that has logged in.
struct Visited : SshHouse {
  SshVisitor client{*this};
  Visited() { client.log_in(); }
};

inline bool SshHouse::round() {
  bool moved = loop.poll() > 0;
  for (auto* visitor : visitors) moved |= visitor->move();
  return moved;
}

// The string that a packet of channel data holds.
inline std::string data_of(const std::string& payload) {
  REQUIRE(kind_of(payload) == packet::channel_data);
  std::size_t place = 5;
  return fuzz::string_at(payload, place);
}

// The exit status that the server sends before it closes the channel, after whatever data is left.
inline std::uint32_t exit_status_of(SshVisitor& client, std::uint32_t ours) {
  auto payload = client.next_of(ours);
  while (kind_of(payload) == packet::channel_data) payload = client.next_of(ours);
  REQUIRE(kind_of(payload) == packet::channel_request);
  std::size_t place = 5;
  REQUIRE(fuzz::string_at(payload, place) == "exit-status");
  while (kind_of(client.next_of(ours)) != packet::channel_close) continue;
  return fuzz::u32_at(payload, place + 1);
}

namespace sftp_packet {
constexpr std::uint8_t init = 1, version = 2, open = 3, close = 4, read = 5, write = 6, stat = 17,
                       status = 101, handle = 102, data = 103;
}  // namespace sftp_packet

// SFTP on a channel of a client that has logged in.
class SftpChannel {
 public:
  explicit SftpChannel(SshVisitor& client, std::uint32_t ours = 0)
      : theirs(client.open_channel(ours)), client_(client), ours_(ours) {
    client.send(SshVisitor::request(theirs, "subsystem", SshFields().string("sftp")));
    REQUIRE(kind_of(client.next_of(ours)) == packet::channel_success);
    REQUIRE(kind_of(answer_to(SshFields(sftp_packet::init).u32(3))) == sftp_packet::version);
  }

  void send(const SshFields& fields) {
    client_.send(SshVisitor::data(theirs, SshFields().string(fields.text()).text()));
  }
  std::string answer() {
    const auto is_whole = [this] {
      return stream_.size() >= 4 && stream_.size() - 4 >= fuzz::u32_at(stream_, 0);
    };
    while (!is_whole()) stream_ += data_of(client_.next_of(ours_));
    std::size_t size = 0;
    auto body = fuzz::string_at(stream_, size);
    stream_.erase(0, size);
    return body;
  }
  std::string answer_to(const SshFields& fields) {
    send(fields);
    return answer();
  }

  static SshFields opening(std::string_view name, std::uint32_t flags = 1) {
    return SshFields(sftp_packet::open).u32(7).string(name).u32(flags).u32(0);
  }
  std::string open(std::string_view name, std::uint32_t flags = 1) {
    const auto reply = answer_to(opening(name, flags));
    REQUIRE(kind_of(reply) == sftp_packet::handle);
    std::size_t place = 5;
    return fuzz::string_at(reply, place);
  }
  std::string read(std::string_view handle, std::uint64_t offset, std::uint32_t size) {
    const auto reply = answer_to(SshFields(sftp_packet::read).u32(8).string(handle).u64(offset).u32(size));
    REQUIRE(kind_of(reply) == sftp_packet::data);
    std::size_t place = 5;
    return fuzz::string_at(reply, place);
  }
  std::uint32_t write(std::string_view handle, std::uint64_t offset, std::string_view bytes) {
    return status(answer_to(SshFields(sftp_packet::write).u32(9).string(handle).u64(offset).string(bytes)));
  }
  std::uint32_t close(std::string_view handle) {
    return status(answer_to(SshFields(sftp_packet::close).u32(10).string(handle)));
  }
  static std::uint32_t status(const std::string& reply) {
    REQUIRE(kind_of(reply) == sftp_packet::status);
    return fuzz::u32_at(reply, 5);
  }
  static std::string status_text(const std::string& reply) {
    std::size_t place = 9;
    return fuzz::string_at(reply, place);
  }

  const std::uint32_t theirs;  // the server's number

 private:
  SshVisitor& client_;
  const std::uint32_t ours_;
  std::string stream_;
};

}  // namespace test
