#pragma once
#include <memory>
#include <string>
#include <vector>

#include "server/loop/shares.hpp"
#include "server/loop/told_rarely.hpp"
#include "server/os/datagram.hpp"
#include "server/os/listener_wait.hpp"
#include "server/syslog/conversations.hpp"
#include "server/syslog/limits.hpp"

namespace server {

class Events;
class LiveSettings;
struct Lanes;
struct Library;
namespace event {
struct ControllerSaid;
}

// Hears what controllers and access points send of their own logs, and says of each line about an image what
// it means here. Never answers. Lives on the loop; outlived by what it is given.
class SyslogService {
 public:
  SyslogService(Lanes& lanes, Events& events, const LiveSettings& settings, Library& library);

  void serve(udp::socket listener);
  // Hears nothing at this address any more.
  void close(const udp::endpoint& address);
  void stop_listening();

 private:
  using Clock = std::chrono::steady_clock;
  struct Listener {
    explicit Listener(udp::socket opened) : socket(std::move(opened)), wait(socket) {}
    udp::socket socket;
    ListenerWait wait;
  };
  struct Sender {
    net::ip::address address, asked;  // and the address of ours that it sends to
    std::string host;
  };

  void listen(const std::shared_ptr<Listener>& listener);
  void take_turn(Listener& listener) noexcept;
  void receive(const Datagram& datagram, Clock::time_point now);
  void refuse(const net::ip::address& client, event::SyslogLimit limit, Clock::time_point now);
  void hear(const Sender& sender, storage::LogMessage message, Clock::time_point now);
  SeenHere seen_of(const std::string& client, const storage::LogMessage& message,
                   Clock::time_point now) const;
  void diagnose(const Sender& sender, event::ControllerSaid said, SaidBefore before, SeenHere seen);

  Lanes& lanes_;
  Events& events_;
  const LiveSettings& settings_;
  Library& library_;
  SyslogLimits limits_;
  Conversations conversations_;
  RequestsSeen requests_;
  ToldRarely told_, refusals_;
  Shares diagnoses_{most_explanations, most_explanations_each};
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::byte> buffer_;  // for one datagram
};

}  // namespace server
