#include "server/tftp/port.hpp"

#include <array>

#include "protocols/tftp/packet.hpp"

namespace server {
namespace {

// A client that floods another client's port does not get an answer to each packet.
constexpr int most_answers_to_strangers = 16;
// Packets of one client, before the others have their turn.
constexpr int most_at_once = 16;
constexpr std::size_t most_bytes_at_once = 65'536;
constexpr std::size_t header_size = 4;

std::span<std::byte> packet_buffer() {
  static thread_local std::array<std::byte, 65'536> buffer;
  return buffer;
}

bool is_error(std::span<const std::byte> packet) {
  return tftp::number_at(packet, 0) == static_cast<std::uint16_t>(tftp::Opcode::error);
}

}  // namespace

OwnPort::OwnPort(std::shared_ptr<SocketWatch> watch, ClientSockets sockets, const net::ip::address& client,
                 std::optional<PortLease> lease)
    : TftpPort(PacketSender(sockets.client.get())),
      Watched(client),
      watch_(std::move(watch)),
      lease_(std::move(lease)),
      socket_(std::move(sockets.client)) {
  if (sockets.strangers) strangers_.emplace(*watch_, std::move(sockets.strangers), client);
  watch_->add(socket_.get(), *this);
}

OwnPort::~OwnPort() { watch_->remove(socket_.get()); }

void OwnPort::ask_for_room() { watch_->also_for_room(socket_.get(), true); }

void OwnPort::ask_for_turn() {
  watch_->again(*this);
  room_ = true;
}

void OwnPort::catch_up() {
  const auto now = std::chrono::steady_clock::now();
  ready(true, false, now);
  answer(now);
}

bool OwnPort::ready(bool readable, bool room, Time now) noexcept {
  try {
    if (room) {
      watch_->also_for_room(socket_.get(), false);
      room_ = true;
    }
    return readable && receive(now);
  } catch (const std::exception& e) {
    const auto hold = listener_->hold();
    listener_->broke_off(e.what());
    return true;
  }
}

void OwnPort::answer(Time now) noexcept {
  const auto hold = listener_->hold();
  auto& listener = *listener_;
  try {
    if (std::exchange(room_, false)) listener.room();
    listener.go_on(now);
  } catch (const std::exception& e) {
    listener.broke_off(e.what());
  }
}

bool OwnPort::receive(Time now) {
  // Where several wait they are taken together: of ACKs only the last one counts. But to ask in vain costs a
  // system call, and nobody may flood the loop.
  std::size_t taken = 0;
  for (int i = 0; i < most_at_once && taken < most_bytes_at_once && (i == 0 || listener_->expects_more());
       ++i) {
    std::error_code error;
    const auto size = receive_from_client(socket_.get(), packet_buffer(), error);
    if (error) {
      const bool refused = error == std::errc::connection_refused;
      if (refused) listener_->refused();
      return i > 0 || refused;
    }
    taken += size;
    listener_->packet(packet_buffer().first(size), now);
  }
  return true;
}

OwnPort::Strangers::Strangers(SocketWatch& watch, UdpHandle socket, const net::ip::address& client)
    : Watched(client), watch_(watch), socket_(std::move(socket)), answers_left_(most_answers_to_strangers) {
  watch_.add(socket_.get(), *this);
}

OwnPort::Strangers::~Strangers() { watch_.remove(socket_.get()); }

bool OwnPort::Strangers::ready(bool readable, bool, Time) noexcept {
  try {
    return readable && receive();
  } catch (const std::bad_alloc&) {
    return true;  // a stranger may go without an answer
  }
}

bool OwnPort::Strangers::receive() {
  const auto datagram = receive_from_anyone(socket_.get(), packet_buffer().first(header_size));
  if (!datagram) return false;
  // An ERROR is never answered: two servers could go on for ever.
  if (datagram->bytes.size() < 4 || is_error(datagram->bytes) || answers_left_ == 0) return true;
  --answers_left_;
  const auto code = tftp::ErrorCode::unknown_transfer_id;
  const auto answer = tftp::encode_error(code, text_of(code));
  std::error_code ignored;
  PacketSender(socket_.get(), datagram->from, {}).send(answer, answer.size(), ignored);
  return true;
}

SharedPort::SharedPort(std::shared_ptr<SocketWatch> watch, std::shared_ptr<udp::socket> socket,
                       const udp::endpoint& client, const net::ip::address& asked)
    : TftpPort(PacketSender(socket->native_handle(), client, asked)),
      Watched(client.address()),
      watch_(std::move(watch)),
      socket_(std::move(socket)) {}

SharedPort::~SharedPort() { watch_->forget(*this); }

void SharedPort::ask_for_room() {
  socket_->async_wait(udp::socket::wait_write, [held = listener_->hold()](error_code) {
    try {
      held->room();
    } catch (const std::exception& e) {
      held->broke_off(e.what());
    }
  });
}

void SharedPort::ask_for_turn() {
  watch_->again(*this);
  turn_ = true;
}

void SharedPort::answer(Time now) noexcept {
  const auto hold = listener_->hold();
  auto& listener = *listener_;
  try {
    if (std::exchange(turn_, false)) listener.room();
    listener.go_on(now);
  } catch (const std::exception& e) {
    listener.broke_off(e.what());
  }
}

}  // namespace server
