#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "server/tftp_transfer.hpp"

namespace server {

// Listens for requests and gives each its transfer. Lives on the loop.
class TftpService {
 public:
  explicit TftpService(Shared& shared) : shared_(shared) {}

  void serve(udp::socket listener);
  void stop_listening();
  void stop_transfers();  // those that still run are told to end
  std::size_t running() const { return transfers_.size(); }
  // Called when the last transfer has ended.
  void when_empty(std::function<void()> call) { when_empty_ = std::move(call); }

 private:
  net::awaitable<void> listen(udp::socket& listener);
  void request(const Datagram& datagram);
  void refuse(const Datagram& datagram, std::uint64_t number, tftp::ErrorCode code, std::string_view text);
  std::optional<udp::socket> answer_socket(const Datagram& datagram);
  void start(const Datagram& datagram, std::uint64_t number, tftp::Request request);

  Shared& shared_;
  std::list<udp::socket> listeners_;
  std::function<void()> when_empty_;
  std::uint16_t next_port_ = 0;  // where in tftp.port_range to look first
  std::map<udp::endpoint, std::shared_ptr<TftpTransfer>> transfers_;  // one a client's address and port
};

}  // namespace server
