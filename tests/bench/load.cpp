#include "tests/bench/load.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <random>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr auto patience =
    std::chrono::seconds(1);      // of a client, before it sends its last datagram once more
constexpr int most_resends = 10;  // without progress
constexpr int receive_buffer = 4 << 20;
constexpr std::size_t batch = 64;

[[noreturn]] void stop(const std::string& what) {
  throw std::system_error(errno, std::system_category(), what);
}

std::string_view map_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) stop(path);
  const auto size = static_cast<std::size_t>(status.st_size);
  void* bytes = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (bytes == MAP_FAILED) stop(path);
  ::close(fd);
  return {static_cast<const char*>(bytes), size};
}

struct Client {
  int fd = -1;
  std::optional<Download> download;
  in_port_t port = 0;  // that answered first; whatever comes from another is a stranger's
  int resends = 0;     // since the last new block
  std::uint32_t rounds = 0;
  Clock::time_point started;
  Clock::time_point deadline;
};

class Load {
 public:
  explicit Load(const Settings& settings)
      : settings_(settings), reference_(map_file(settings.reference)), random_(settings.seed) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) stop("epoll_create1");
    const std::size_t longest = std::max<std::size_t>(settings.shape.block_size + 4, 1024);
    buffer_.resize(batch * longest);
    for (std::size_t i = 0; i < batch; ++i) {
      vectors_[i] = {buffer_.data() + i * longest, longest};
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &senders_[i];
    }
  }

  Totals run() {
    clients_.resize(settings_.clients);
    running_ = settings_.clients;
    now_ = Clock::now();
    const auto began = now_;
    limit_ = began + settings_.limit;
    for (std::uint32_t i = 0; i < settings_.clients; ++i) {
      begin(i);
      alarms_.push({clients_[i].deadline, i});
    }
    while (running_ > 0 && now_ < limit_) {
      std::array<epoll_event, 256> events;
      const int ready = wait(events, limit_);
      now_ = Clock::now();
      for (int i = 0; i < ready; ++i) receive(events[static_cast<std::size_t>(i)].data.u32);
      send_delayed();
      wake_silent();
    }
    for (std::uint32_t i = 0; i < settings_.clients; ++i) {
      if (clients_[i].download) fail(i, "the time limit came first");
    }
    totals_.seconds = std::chrono::duration<double>(now_ - began).count();
    return std::move(totals_);
  }

 private:
  struct Alarm {
    Clock::time_point at;
    std::uint32_t client;
    bool operator>(const Alarm& other) const { return at > other.at; }
  };
  struct Delayed {
    Clock::time_point at;
    std::uint32_t client;
    std::uint32_t round;
    std::string packet;
  };

  int wait(std::span<epoll_event> events, Clock::time_point until) {
    if (!alarms_.empty()) until = std::min(until, alarms_.top().at);
    if (!delayed_.empty()) until = std::min(until, delayed_.front().at);
    const auto left = std::max(nanoseconds(0), nanoseconds(until - now_)).count();
    const timespec timeout{left / 1000000000, left % 1000000000};
    const int ready =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    if (ready < 0 && errno != EINTR) stop("epoll_pwait2");
    return ready;
  }

  void begin(std::uint32_t index) {
    auto& client = clients_[index];
    client.fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client.fd < 0) stop("socket");
    if (::setsockopt(client.fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0) {
      ::setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    epoll_event event{.events = EPOLLIN, .data = {.u32 = index}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event) != 0) stop("epoll_ctl");
    client.download.emplace(settings_.file, settings_.shape, reference_);
    client.port = 0;
    client.resends = 0;
    client.started = now_;
    client.deadline = now_ + patience;
    send(index, client.download->request());
  }

  void receive(std::uint32_t index) {
    auto& client = clients_[index];
    if (!client.download) return;
    for (auto& message : messages_) message.msg_hdr.msg_namelen = sizeof(sockaddr_in);
    const auto round = client.rounds;
    const int got = ::recvmmsg(client.fd, messages_.data(), batch, 0, nullptr);
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      return fail(index, std::generic_category().message(errno));
    for (int i = 0; i < got && client.download && client.rounds == round; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (lost()) continue;
      if (client.port == 0) {
        if (::connect(client.fd, reinterpret_cast<sockaddr*>(&senders_[at]), sizeof(sockaddr_in)) != 0)
          stop("connect");
        client.port = senders_[at].sin_port;
      }
      if (senders_[at].sin_port != client.port) continue;
      take(index, {static_cast<const char*>(vectors_[at].iov_base), messages_[at].msg_len});
    }
  }

  void take(std::uint32_t index, std::string_view packet) {
    auto& client = clients_[index];
    auto& download = *client.download;
    const auto before = download.blocks();
    auto answer = download.datagram(packet);
    client.deadline = now_ + patience;
    if (download.blocks() != before) client.resends = 0;
    if (!answer.empty()) send(index, std::move(answer));
    if (download.failed()) return fail(index, download.failure());
    if (!download.done()) return;
    if (download.bytes() != reference_.size()) return fail(index, "the file ended early");
    totals_.transfer_seconds.push_back(std::chrono::duration<double>(now_ - client.started).count());
    end(index);
  }

  void fail(std::uint32_t index, std::string why) {
    ++totals_.failures;
    if (totals_.first_failure.empty()) totals_.first_failure = std::move(why);
    end(index);
  }

  void end(std::uint32_t index) {
    auto& client = clients_[index];
    totals_.bytes += client.download->bytes();
    totals_.blocks += client.download->blocks();
    totals_.unwanted += client.download->unwanted();
    totals_.agreed = client.download->agreed();
    client.download.reset();
    // A last answer that is still delayed is sent now: its socket goes.
    for (const auto& d : delayed_) {
      if (d.client == index && d.round == client.rounds) transmit(client, d.packet);
    }
    ::close(client.fd);
    if (++client.rounds < settings_.rounds && now_ < limit_) return begin(index);
    --running_;
  }

  bool lost() {
    return settings_.drop > 0 && std::uniform_real_distribution<>(0, 100)(random_) < settings_.drop;
  }

  void send(std::uint32_t index, std::string packet) {
    if (lost()) return;
    if (settings_.ack_delay.count() == 0) return transmit(clients_[index], packet);
    delayed_.push_back({now_ + settings_.ack_delay, index, clients_[index].rounds, std::move(packet)});
  }

  // A datagram that the kernel refuses is a datagram lost.
  void transmit(const Client& client, std::string_view packet) {
    const auto* to = client.port != 0 ? nullptr : reinterpret_cast<const sockaddr*>(&settings_.server);
    std::ignore = ::sendto(client.fd, packet.data(), packet.size(), 0, to, to ? sizeof settings_.server : 0);
  }

  void send_delayed() {
    for (; !delayed_.empty() && delayed_.front().at <= now_; delayed_.pop_front()) {
      const auto& next = delayed_.front();
      auto& client = clients_[next.client];
      if (client.download && client.rounds == next.round) transmit(client, next.packet);
    }
  }

  // Each client has one alarm; a deadline that moved on meanwhile only sets it again.
  void wake_silent() {
    while (!alarms_.empty() && alarms_.top().at <= now_) {
      const auto index = alarms_.top().client;
      auto& client = clients_[index];
      alarms_.pop();
      if (client.download && client.deadline <= now_) again(index);
      if (client.download) alarms_.push({client.deadline, index});
    }
  }

  void again(std::uint32_t index) {
    auto& client = clients_[index];
    if (++client.resends > most_resends)
      return fail(index, fmt::format("no answer after {} resends", most_resends));
    ++totals_.resends;
    client.deadline = now_ + patience;
    send(index, client.download->silence());
  }

  const Settings& settings_;
  std::string_view reference_;
  std::mt19937_64 random_;
  int epoll_ = -1;
  Clock::time_point now_;
  Clock::time_point limit_;
  std::uint32_t running_ = 0;
  std::vector<Client> clients_;
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  std::deque<Delayed> delayed_;  // the delay is the same for all: first in, first out
  std::vector<char> buffer_;
  std::array<iovec, batch> vectors_{};
  std::array<mmsghdr, batch> messages_{};
  std::array<sockaddr_in, batch> senders_{};
  Totals totals_;
};

}  // namespace

Totals load(const Settings& settings) { return Load(settings).run(); }

}  // namespace bench
