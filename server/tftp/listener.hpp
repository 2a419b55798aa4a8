#pragma once
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "server/os/listener_wait.hpp"
#include "server/tftp/limits.hpp"
#include "server/tftp/port_pool.hpp"
#include "server/tftp/shared_image.hpp"
#include "server/tftp/transfer.hpp"

namespace server {

// Listens for requests and gives each its transfer. Lives on the loop.
class TftpService {
 public:
  TftpService(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
              Library& library, Running& running);

  void serve(udp::socket listener);
  // Takes no request at this address any more; transfers go on.
  void close(const udp::endpoint& address);
  void stop_listening();  // to requests; and whoever only dallies ends
  // Those that still run are told to end, some in each turn of the loop, and then `told` is called.
  void stop_transfers(std::function<void()> told = [] {});
  std::size_t running() const { return transfers_.size(); }
  // Called when the last transfer has ended.
  void when_empty(std::function<void()> call) { when_empty_ = std::move(call); }

 private:
  struct Listener {
    explicit Listener(udp::socket opened) : socket(std::move(opened)), wait(socket) {}
    udp::socket socket;
    bool takes_requests = true;
    ListenerWait wait;
  };
  void listen(const std::shared_ptr<Listener>& listener);
  void take_turn(const std::shared_ptr<Listener>& listener) noexcept;
  void receive(const std::shared_ptr<Listener>& listener, const Datagram& datagram,
               TftpLimits::Clock::time_point now);
  void warn_of_dropped(std::string_view why) noexcept;
  void pass_on(const Datagram& datagram, TftpLimits::Clock::time_point now);
  std::shared_ptr<TftpTransfer> newest(const udp::endpoint& client) const;
  void answer_heard(TftpLimits::Clock::time_point end) noexcept;
  void heed_unreachable(udp::socket& listener, TftpLimits::Clock::time_point end);
  std::expected<TftpPlace, event::Limit> place_for(const net::ip::address& client);
  bool give_way(const net::ip::address& client, event::Limit limit, bool has_place = false);
  bool repeats(const Datagram& datagram, const tftp::Request& request);
  void keep_quiet(const udp::endpoint& client, bool quiet);
  void start(const udp::endpoint& client, TftpAsked asked, TftpPlace place, std::unique_ptr<TftpPort> port);
  void limited(const Datagram& datagram, event::Limit limit);
  void answered(TftpLimits::Id id);
  void ended(TftpLimits::Id id);
  // A request of `size` bytes.
  void refuse(TftpPort& port, const TftpAsked& asked, std::string_view text, std::size_t size);
  std::unique_ptr<TftpPort> port_for(const std::shared_ptr<Listener>& listener, const Datagram& datagram);
  void stop_some(TftpLimits::Id last, const std::function<void()>& told);

  TftpCommon common_;
  const bool single_port_;
  const std::shared_ptr<SocketWatch> watch_;
  const std::shared_ptr<TftpLimits> limits_ = std::make_shared<TftpLimits>();
  const std::shared_ptr<PortPool> ports_ = std::make_shared<PortPool>();
  std::vector<std::shared_ptr<Listener>> listeners_;  // with single_port held by their transfers too
  std::vector<std::byte> buffer_;                     // for one packet of theirs
  bool listening_ = true;
  std::function<void()> when_empty_;
  // By the client's address and port, which mostly has one.
  using Transfers = std::multimap<udp::endpoint, std::shared_ptr<TftpTransfer>>;
  Transfers transfers_;
  std::map<TftpLimits::Id, Transfers::iterator> by_place_;
  std::vector<std::shared_ptr<TftpTransfer>> heard_;  // through the one port, and not answered yet
  std::random_device random_;
};

}  // namespace server
