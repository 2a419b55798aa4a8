// A whole SSH connection, from its first byte to its last, before and after login: a client that says
// whatever it likes, in packets that the real service can decrypt. The service lives, gives back what the
// connection had, writes nothing outside of its depot, and what it tells of it is text.
#include <fuzzer/FuzzedDataProvider.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>

#include "conf/load.hpp"
#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/log/classic.hpp"
#include "server/log/json_log.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/meter.hpp"
#include "server/ssh/listener.hpp"
#include "tests/fuzz/memory_home.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/ssh_client.hpp"

using fuzz::require;
using fuzz::SshClient;
using fuzz::SshFields;
using namespace std::chrono_literals;

namespace {

using Input = FuzzedDataProvider;

constexpr auto longest_wait = 20s;
constexpr char userauth_success = 52;
constexpr std::size_t longest_line = 64 << 10;

const fuzz::PrivateKey& user_key() {
  static const auto key = fuzz::private_key(EVP_PKEY_ED25519, std::string(32, 'k'));
  return key;
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(fuzz::octets(text), fuzz::octets(bytes), static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

// Two sessions at a time: one that is not given back refuses the connection after the next.
conf::Settings settings(const std::filesystem::path& depot) {
  const auto text = R"(
ssh: {trusted: ["127.0.0.0/8"], max_sessions: 2, users: [{name: ewc, uploads: true, authorized_keys: ["ssh-ed25519 )" +
                    base64(fuzz::ed25519_blob(user_key())) + "\"]}]}\n";
  auto settings = conf::load_text(text, "it").settings;
  settings.depot = depot;
  return settings;
}

void check_line(const std::string& line) {
  require(line.size() < longest_line, "a line has an end");
  for (const char c : line) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a line is text");
}

void check_event(const server::Event& event) {
  for (const auto& line : server::classic_lines(event)) check_line(line.text);
  check_line(server::json_line(event).text);
}

// The server, of SSH alone, and its loop. The one connection's client is served in between by who calls.
class Service {
 public:
  Service() {
    std::filesystem::create_directories(library_.depot.images() / "EWC/17_9_4a");
    std::ofstream(library_.depot.images() / "EWC/17_9_4a/ap1g8") << std::string(100'000, 'i');
    events_.listen(check_event);
    server::tcp::acceptor acceptor(loop_, {server::net::ip::address_v4::loopback(), 0});
    port_ = acceptor.local_endpoint().port();
    ssh_.serve(std::move(acceptor));
    ssh_.use(server::load_or_make_host_keys(library_.depot));
    static_cast<void>(library_.catalogue.now());
    entries_ = outside();
  }

  std::uint16_t port() const { return port_; }
  bool running() const { return ssh_.running() > 0; }
  bool busy() const { return lanes_.busy() > 0; }

  // One round; false when nothing was to be done, and nobody is at anything.
  bool work() {
    loop_.restart();
    if (loop_.poll() > 0) return true;
    if (!busy()) return false;
    loop_.run_one_for(1ms);
    return true;
  }

  void clean() {
    require(outside() == entries_, "nothing appears outside of uploads/");
    require(fuzz::entries_below(library_.depot.staging()) == 0, "nothing stays in the staging area");
    const auto uploads = library_.depot.images() / "uploads";
    if (std::filesystem::exists(uploads)) fuzz::empty(uploads);
  }

 private:
  std::size_t outside() const {
    const auto uploads = library_.depot.images() / "uploads";
    const auto ours = std::filesystem::exists(uploads) ? fuzz::entries_below(uploads) + 1 : 0;
    return fuzz::entries_below(home_.path()) - ours;
  }

  fuzz::MemoryHome home_;
  server::net::io_context loop_{1};
  server::Events events_;
  server::Lanes lanes_{loop_};
  server::LiveSettings settings_{std::make_shared<conf::Settings>(settings(home_.path() / "depot"))};
  server::Library library_{settings_->depot, settings_->uploads};
  server::Running running_{events_};
  server::SshService ssh_{loop_, lanes_, events_, settings_, library_, running_};
  std::uint16_t port_ = 0;
  std::size_t entries_ = 0;
};

Service& service() {
  static Service service;
  return service;
}

// The client's end of the connection.
class Link {
 public:
  Link() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(service().port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
            "it can be connected to");
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { close(); }

  // With a reset: a port that lingers would be missed after some thousand runs.
  void close() {
    if (socket_ < 0) return;
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(socket_, -1));
  }

  // What it could not send is left.
  void send(std::string& bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) bytes.clear();  // nobody is there any more
      if (sent <= 0) return;
      bytes.erase(0, static_cast<std::size_t>(sent));
    }
  }

  void wait() {
    pollfd readable{socket_, POLLIN, 0};
    ::poll(&readable, 1, 1);
  }

  std::string receive() {
    std::string bytes(64 << 10, '\0');
    const auto count = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return bytes;
  }

 private:
  int socket_;
};

class Driver {
 public:
  explicit Driver(Input& in) : in_(in) {}

  void run() {
    settle_until([&] { return client_.greeted(); }, "whoever comes is greeted: no place is lost");
    switch (in_.ConsumeIntegralInRange(0, 3)) {
      case 0:  // nothing is agreed on
        break;
      case 1:
        agree();
        break;
      default:
        agree();
        log_in();
    }
    while (in_.remaining_bytes() > 0) step();
    settle();
    link_.close();
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    while (service().work() || service().running())
      require(std::chrono::steady_clock::now() < end, "a connection that is closed ends");
    service().clean();
  }

 private:
  void agree() {
    client_.begin();
    client_.exchange_keys();
    settle_until([&] { return client_.secret(); }, "whoever offers what is known agrees on keys");
    send(SshFields(SshClient::service_request).string("ssh-userauth").text());
    settle();
  }

  void log_in() {
    send(login(true));
    const auto logged_in = [&] {
      const auto& packets = client_.packets();
      return !packets.empty() && packets.back()[0] == userauth_success;
    };
    settle_until(logged_in, "the user's key logs in");
    client_.packets().clear();
  }

  // True when something moved.
  bool round() {
    const auto before = waiting_.size();
    waiting_ += client_.take_output();
    link_.send(waiting_);
    bool moved = waiting_.size() < before;
    moved |= service().work();
    if (!reads_) return moved;
    const auto bytes = link_.receive();
    client_.feed(bytes);
    return moved || !bytes.empty();
  }

  // The kernel takes a moment to bring what was sent.
  template <class Condition>
  void settle_until(Condition condition, const char* what) {
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    while (!condition()) {
      require(std::chrono::steady_clock::now() < end, what);
      if (!round()) link_.wait();
    }
  }

  // All that can go on without us has.
  void settle() {
    int idle = 0;
    settle_until(
        [&] {
          idle = round() ? 0 : idle + 1;
          return idle == 2;
        },
        "the server comes to rest");
  }

  void send(const std::string& payload) { client_.send(payload); }

  void step() {
    switch (in_.ConsumeIntegralInRange(0, 15)) {
      case 0:
        return client_.send_raw(in_.ConsumeRandomLengthString(64));
      case 1: {  // any packet
        const auto type = in_.ConsumeIntegral<std::uint8_t>();
        if (type >= SshClient::kexinit && type < SshClient::userauth_request) client_.garbled();
        return send(SshFields(type).raw(in_.ConsumeRandomLengthString(300)).text());
      }
      case 2:
        return settle();
      case 3:
        reads_ = !reads_;
        return;
      case 4:
        if (in_.ConsumeBool()) return client_.exchange_keys();
        return client_.begin();
      case 5:
        return send(login(in_.ConsumeBool()));
      case 6:
        return send(global_request());
      case 7: {  // many of a kind
        const auto payload = packet();
        for (auto times = in_.ConsumeIntegralInRange(1, 200); times > 0; --times) send(payload);
        return;
      }
      case 8:
        client_.packets().clear();
        return;
      default:
        return send(packet());
    }
  }

  std::string login(bool right) {
    SshFields request(SshClient::userauth_request);
    request.string(right || in_.ConsumeBool() ? "ewc" : in_.ConsumeRandomLengthString(16));
    request.string("ssh-connection");
    const auto how = right ? 0 : in_.ConsumeIntegralInRange(0, 6);
    const auto blob = fuzz::ed25519_blob(user_key());
    if (how == 1) return request.string("none").text();
    if (how == 2) return request.string("keyboard-interactive").string("").string("").text();
    if (how == 3)
      return request.string("gssapi-with-mic").u32(1).string(in_.ConsumeRandomLengthString(20)).text();
    if (how == 4) return request.string(in_.ConsumeRandomLengthString(20)).text();
    if (how == 5) {
      const auto key = in_.ConsumeRandomLengthString(60);
      return request.string("publickey").byte(in_.ConsumeBool()).string("ssh-ed25519").string(key).text();
    }
    if (how == 6) return request.string("publickey").byte(0).string("ssh-ed25519").string(blob).text();
    request.string("publickey").byte(1).string("ssh-ed25519").string(blob);
    const auto signed_text = SshFields().string(client_.session_id()).raw(request.text()).text();
    return request.string(fuzz::ed25519_signature(user_key(), signed_text)).text();
  }

  std::string global_request() {
    const std::string what =
        in_.PickValueInArray({"keepalive@openssh.com", "tcpip-forward", "cancel-tcpip-forward",
                              "hostkeys-00@openssh.com", "no-more-sessions@openssh.com"});
    SshFields request(80);
    request.string(what).byte(in_.ConsumeBool());
    if (in_.ConsumeBool())
      request.string(in_.ConsumeRandomLengthString(30)).u32(in_.ConsumeIntegral<std::uint16_t>());
    return request.text();
  }

  // libssh numbers a connection's channels from 43.
  std::uint32_t channel() {
    return in_.ConsumeIntegralInRange(0, 15) == 15 ? in_.ConsumeIntegral<std::uint32_t>()
                                                   : 43 + in_.ConsumeIntegralInRange<std::uint32_t>(0, 3);
  }
  std::uint32_t some_size() {
    return in_.PickValueInArray<std::uint32_t>(
        {0, 1, 64, 100, 1024, 32'768, 2'000'000, 0x7fffffff, 0xffffffff});
  }

  std::string packet() {
    switch (in_.ConsumeIntegralInRange(0, 9)) {
      case 0: {
        const std::string kind =
            in_.PickValueInArray({"session", "session", "session", "direct-tcpip", "x11", "nobody"});
        return SshFields(90)
            .string(kind)
            .u32(in_.ConsumeIntegralInRange(0, 3))
            .u32(some_size())
            .u32(some_size())
            .raw(in_.ConsumeRandomLengthString(20))
            .text();
      }
      case 1:
      case 2:
        return channel_request();
      case 3:
        return SshFields(93).u32(channel()).u32(some_size()).text();
      case 4:
        return SshFields(95).u32(channel()).u32(1).string(in_.ConsumeRandomLengthString(40)).text();
      case 5:
        return SshFields(in_.PickValueInArray<std::uint8_t>({96, 97, 99, 100, 91, 92})).u32(channel()).text();
      case 6:
        return SshFields(in_.PickValueInArray<std::uint8_t>({2, 3, 4, 1}))
            .u32(2)
            .string(in_.ConsumeRandomLengthString(20))
            .string("")
            .text();
      case 7: {  // any bytes for whatever runs there
        const auto size = in_.PickValueInArray<std::size_t>({0, 1, 1000, 30'000});
        return SshFields(94)
            .u32(channel())
            .string(in_.ConsumeRandomLengthString(100) + std::string(size, 'd'))
            .text();
      }
      default:
        return SshFields(94).u32(channel()).string(sftp_packet()).text();
    }
  }

  std::string channel_request() {
    SshFields request(98);
    request.u32(channel());
    const auto how = in_.ConsumeIntegralInRange(0, 7);
    const bool reply = in_.ConsumeBool();
    if (how <= 2) return request.string("subsystem").byte(reply).string("sftp").text();
    if (how == 3) return request.string("exec").byte(reply).string(command()).text();
    if (how == 4)
      return request.string("env")
          .byte(reply)
          .string("LANG")
          .string(in_.ConsumeRandomLengthString(20))
          .text();
    if (how == 5)
      return request.string("pty-req")
          .byte(reply)
          .string("xterm")
          .u32(80)
          .u32(24)
          .u32(0)
          .u32(0)
          .string("")
          .text();
    if (how == 6) return request.string(in_.ConsumeRandomLengthString(20)).byte(reply).text();
    return request
        .string(in_.PickValueInArray({"shell", "window-change", "signal", "exit-status", "eow@openssh.com"}))
        .byte(reply)
        .text();
  }

  std::string command() {
    const std::string program =
        in_.PickValueInArray({"scp -f ", "scp -t ", "scp -r -p -f ", "scp -r -t ", ""});
    const std::string name =
        in_.PickValueInArray({"/EWC/17_9_4a/ap1g8", "/EWC", "/uploads/a", "*", "/E*/[!a]*/a?1g8"});
    return program + (in_.ConsumeBool() ? name : in_.ConsumeRandomLengthString(40));
  }

  std::string sftp_name() {
    const std::string name =
        in_.PickValueInArray({"/EWC/17_9_4a/ap1g8", "/tftpboot/EWC/17.9.4a/AP1G8", "/", "/uploads",
                              "/uploads/a", "/uploads/b", "/uploads/d", "/wrong/ap1g8"});
    return in_.ConsumeIntegralInRange(0, 7) == 7 ? in_.ConsumeRandomLengthString(32) : name;
  }

  // Of version 3; a handle is four bytes.
  std::string sftp_packet() {
    const auto type = in_.PickValueInArray<std::uint8_t>(
        {1, 3, 3, 3, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 200});
    SshFields fields(type);
    if (type == 1) return framed(fields.u32(3));
    fields.u32(in_.ConsumeIntegralInRange(0, 255));
    const auto handle = SshFields().u32(in_.ConsumeIntegralInRange(0, 3)).text();
    const bool has_handle = (type >= 4 && type <= 6) || type == 8 || type == 10 || type == 12;
    if (type == 200)
      fields.string(in_.PickValueInArray({"copy-data", "statvfs@openssh.com", "posix-rename@openssh.com",
                                          "fsync@openssh.com", "expand-path@openssh.com"}));
    fields.string(has_handle ? handle : sftp_name());
    if (type == 3) fields.u32(in_.ConsumeIntegralInRange(0, 63)).u32(0);
    if (type == 5)
      fields.u64(in_.PickValueInArray<std::uint64_t>({0, 5, 99'999, 1ULL << 62})).u32(some_size());
    if (type == 6)
      fields.u64(in_.PickValueInArray<std::uint64_t>({0, 5, 99'999, 1ULL << 62}))
          .string(std::string(100, 'w'));
    if (type == 9 || type == 10 || type == 14) fields.u32(8).u32(1).u32(1);
    if (type == 18 || type == 20 || type == 200) fields.string(sftp_name());
    return framed(fields);
  }
  static std::string framed(const SshFields& fields) { return SshFields().string(fields.text()).text(); }

  Input& in_;
  Link link_;
  SshClient client_;
  std::string waiting_;  // for room in the socket
  bool reads_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(data, size);
  Driver(in).run();
  return 0;
}
