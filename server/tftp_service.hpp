#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "server/port_pool.hpp"
#include "server/shared_image.hpp"
#include "server/tftp_limits.hpp"
#include "server/tftp_transfer.hpp"

namespace server {

// Listens for requests and gives each its transfer. Lives on the loop.
class TftpService {
 public:
  explicit TftpService(Shared& shared);

  void serve(udp::socket listener);
  void stop_listening();  // to requests; and whoever only dallies ends
  void stop_transfers();  // those that still run are told to end
  std::size_t running() const { return transfers_.size(); }
  // Called when the last transfer has ended.
  void when_empty(std::function<void()> call) { when_empty_ = std::move(call); }

 private:
  net::awaitable<void> listen(udp::socket& listener);
  void receive(udp::socket& listener, const Datagram& datagram);
  void pass_on(const Datagram& datagram);
  bool repeats(const Datagram& datagram, const tftp::Request& request);
  void start(const udp::endpoint& client, TftpAsked asked, std::unique_ptr<TftpPort> port);
  void limited(const TftpAsked& asked, event::Limit limit);
  void ended(const udp::endpoint& client, const TftpTransfer* transfer);
  void refuse(TftpPort& port, const TftpAsked& asked, std::string_view text);
  std::unique_ptr<TftpPort> port_for(udp::socket& listener, const Datagram& datagram);
  template <class Call>
  void for_each(Call call);

  Shared& shared_;
  const bool single_port_;
  const std::shared_ptr<SocketWatch> watch_;
  NoisyClients noisy_;
  SharedImages images_;
  TftpLimits limits_;
  const std::shared_ptr<PortPool> ports_ = std::make_shared<PortPool>();
  std::list<udp::socket> listeners_;
  bool listening_ = true;
  std::function<void()> when_empty_;
  std::map<udp::endpoint, std::shared_ptr<TftpTransfer>> transfers_;  // one a client's address and port
};

}  // namespace server
