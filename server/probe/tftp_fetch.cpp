#include "server/probe/tftp_fetch.hpp"

#include <array>
#include <variant>

#include "server/os/datagram.hpp"

namespace server::probe {
namespace {

constexpr std::size_t largest_packet = 65536;

tftp::Time now() { return std::chrono::steady_clock::now(); }

double seconds_since(tftp::Time begin) { return std::chrono::duration<double>(now() - begin).count(); }

class Fetch {
 public:
  Fetch(const TftpQuestion& question, const Received& received)
      : question_(question),
        received_(received),
        socket_(loop_, udp::endpoint(question.server.protocol(), 0)),
        machine_(question.options, question.patience, began_) {
    prepare_shared(socket_);
  }

  TftpAnswer run() {
    act();
    while (!over()) {
      if (!listening_) listen();
      loop_.restart();
      loop_.run_one_until(machine_.deadline());
      machine_.timeout(now());
      act();
    }
    return answer();
  }

 private:
  bool over() const { return machine_.ending() || answer_.unsendable; }

  void listen() {
    listening_ = true;
    socket_.async_receive_from(net::buffer(packet_), from_,
                               [this](const error_code& error, std::size_t size) {
                                 listening_ = false;
                                 if (error) return failed(error);
                                 take(std::span(packet_).first(size));
                               });
  }

  void take(std::span<const std::byte> packet) {
    if (from_.address() != question_.server.address()) {
      answer_.stranger = from_.address();
      return;
    }
    if (!answer_.peer) answer_.peer = from_;
    if (from_ != *answer_.peer) return send_unknown();
    if (!answer_.answered_after) answer_.answered_after = seconds_since(began_);
    machine_.datagram(packet, now());
    // What arrived lies in the packet, which the next one replaces.
    act();
    if (machine_.blocks() >= question_.most_blocks) machine_.stop();
  }

  // A second answer to a request that was sent twice (RFC 1350 4).
  void send_unknown() {
    const auto code = tftp::ErrorCode::unknown_transfer_id;
    error_code ignored;
    socket_.send_to(net::buffer(tftp::encode_error(code, tftp::text_of(code))), from_, 0, ignored);
  }

  void act() {
    while (const auto action = machine_.poll()) {
      if (std::holds_alternative<tftp::SendRequest>(*action))
        send(tftp::encode_request({false, question_.file, tftp::Mode::octet, question_.options}),
             question_.server);
      if (const auto* ack = std::get_if<tftp::SendAck>(&*action)) send(tftp::encode_ack(ack->number), to());
      if (const auto* error = std::get_if<tftp::SendError>(&*action))
        send(tftp::encode_error(error->code, error->text), to());
      if (const auto* arrived = std::get_if<tftp::Arrived>(&*action))
        received_(arrived->bytes, machine_.announced_size());
    }
  }

  const udp::endpoint& to() const { return answer_.peer ? *answer_.peer : question_.server; }

  template <class Packet>
  void send(const Packet& packet, const udp::endpoint& where) {
    error_code error;
    socket_.send_to(net::buffer(packet), where, 0, error);
    if (error) failed(error);
  }

  // ICMP's words come with the next call, whatever it is. Windows calls a closed port a reset.
  void failed(const error_code& error) {
    if (error == net::error::connection_refused || error == net::error::connection_reset)
      return machine_.unreachable();
    if (error == net::error::message_size || error == net::error::try_again) return;
    if (!machine_.ending()) answer_.unsendable = error;
  }

  TftpAnswer answer() {
    if (machine_.ending()) answer_.ending = *machine_.ending();
    answer_.given = machine_.oack();
    answer_.announced = machine_.announced_size();
    answer_.early_number = machine_.early_number();
    answer_.block_size = machine_.block_size();
    answer_.blocks = machine_.blocks();
    answer_.bytes = machine_.bytes();
    answer_.resent = machine_.resent();
    answer_.seconds = seconds_since(began_);
    return answer_;
  }

  const TftpQuestion& question_;
  const Received& received_;
  const tftp::Time began_ = now();
  net::io_context loop_;
  udp::socket socket_;
  tftp::Get machine_;
  TftpAnswer answer_;
  std::array<std::byte, largest_packet> packet_{};
  udp::endpoint from_;
  bool listening_ = false;
};

}  // namespace

TftpAnswer fetch_tftp(const TftpQuestion& question, const Received& received) {
  return Fetch(question, received).run();
}

}  // namespace server::probe
