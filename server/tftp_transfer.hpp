#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocols/tftp/read_transfer.hpp"
#include "server/datagram.hpp"
#include "server/shared.hpp"

namespace server {

// One read request of one client, from the lookup to its end: the driver of a tftp::ReadTransfer, which
// decides what is sent and when. Owns the client's socket. Lives on the loop; its coroutine and its timer
// hold it.
class TftpTransfer : public std::enable_shared_from_this<TftpTransfer> {
 public:
  TftpTransfer(Shared& shared, std::uint64_t number, tftp::Request request, udp::socket socket,
               const udp::endpoint& client);

  net::awaitable<void> run();
  void abandon(std::string_view why);  // the client began anew
  void stop();                         // the server ends: the client is told

  const std::string& name() const { return request_.filename; }
  // The client has not moved on for at least one timeout.
  bool hangs() const { return machine_ && machine_->answered() && machine_->tries() > 0; }

 private:
  // What keeps the blocks of a SendData from going out at once.
  enum class Wants { nothing, disk, room };

  net::awaitable<void> refuse(storage::NotFound miss);
  net::awaitable<void> drive();
  Wants send(tftp::SendData& data);
  net::awaitable<void> fetch(const tftp::SendData& data);
  tftp::SendData next_batch(const tftp::SendData& data) const;
  std::span<const std::byte> lay_out(const tftp::SendData& batch, std::span<std::byte> buffer,
                                     std::vector<std::span<std::byte>>& pieces) const;
  void send_packet(std::span<const std::byte> packet);
  void receive();
  void watch();
  void ended(const tftp::Finished& how);

  Shared& shared_;
  const std::uint64_t number_;
  const tftp::Request request_;
  udp::socket socket_;
  net::steady_timer timer_;
  const std::string client_;
  const std::chrono::steady_clock::time_point began_;
  std::optional<storage::File> file_;
  tftp::Negotiated negotiated_;
  std::optional<tftp::ReadTransfer> machine_;
  PacketSender sender_;
  struct Fetched {  // what a worker read, because memory did not hold it
    std::uint64_t block;
    std::vector<std::byte> packets;
    bool whole;
    std::error_code error;
  };
  std::optional<Fetched> fetched_;
  bool stopped_ = false;
};

}  // namespace server
