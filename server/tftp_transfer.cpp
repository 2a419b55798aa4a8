#include "server/tftp_transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace server {
namespace {

tftp::Time now() { return std::chrono::steady_clock::now(); }

// The loop's own, for one batch: filled and sent in one go, never kept across a wait.
struct Scratch {
  std::vector<std::byte> packets = std::vector<std::byte>(65'536);
  std::vector<std::span<std::byte>> pieces;
};
Scratch& scratch() {
  static thread_local Scratch only;
  return only;
}

// Opens the root anew: an administrator may have put another images/ in its place.
std::expected<storage::Found, storage::NotFound> find(const storage::Depot& depot, const std::string& name) {
  const auto root = storage::Root::open(depot.images());
  if (!root) return std::unexpected(storage::NotFound{storage::Path{}, root.error()});
  return storage::find_image(*root, name, storage::AboveRoot::refused);
}

storage::Miss explain(const storage::Depot& depot, const std::string& name, const storage::NotFound& miss) {
  const auto root = storage::Root::open(depot.images());
  return root ? storage::explain_miss(*root, name, miss)
              : storage::plain_miss(depot.images().string(), root.error());
}

// What fits on a device's console: where the file is, or else what is wrong.
std::string console_text(tftp::ErrorCode code, const storage::Miss& miss) {
  auto text = std::string(text_of(code)) + ": ";
  if (!miss.nearest) text += miss.what + (miss.hint.empty() ? "" : "; ");
  return text + miss.hint;
}

}  // namespace

TftpTransfer::TftpTransfer(Shared& shared, std::uint64_t number, tftp::Request request, udp::socket socket,
                           const udp::endpoint& client)
    : shared_(shared),
      number_(number),
      request_(std::move(request)),
      socket_(std::move(socket)),
      timer_(shared.loop),
      client_(client.address().to_string()),
      began_(now()) {}

net::awaitable<void> TftpTransfer::run() {
  const auto lookup = [&depot = shared_.depot, name = request_.filename] { return find(depot, name); };
  auto found = co_await shared_.disk.run(lookup);
  if (stopped_) co_return;
  if (!found) {
    co_await refuse(std::move(found.error()));
    co_return;
  }
  file_.emplace(std::move(found->file));
  const auto& limits = shared_.settings->tftp;
  const auto size = file_->at_open().size;
  negotiated_ = tftp::negotiate(request_, size, {limits.max_block_size, limits.max_window});
  machine_.emplace(negotiated_, size, now());
  watch();
  co_await drive();
  timer_.cancel();
}

net::awaitable<void> TftpTransfer::refuse(storage::NotFound missing) {
  auto miss = storage::plain_miss(request_.filename, missing.error);
  if (!missing.asked || shared_.explaining.busy() < most_explanations) {
    const auto work = [&depot = shared_.depot, name = request_.filename, missing] {
      return explain(depot, name, missing);
    };
    miss = co_await shared_.explaining.run(work);
  }
  const auto code = tftp::code_of(miss.error);
  send_packet(tftp::encode_error(code, console_text(code, miss)));
  shared_.events.emit(event::TftpRefused{number_, client_, code});
  shared_.events.emit(event::Missed{number_, event::Protocol::tftp, std::move(miss)});
}

net::awaitable<void> TftpTransfer::drive() {
  for (;;) {
    while (auto action = machine_->poll()) {
      if (const auto* finished = std::get_if<tftp::Finished>(&*action)) {
        ended(*finished);
        co_return;
      }
      if (const auto* error = std::get_if<tftp::SendError>(&*action)) {
        send_packet(tftp::encode_error(error->code, error->text));
      } else if (auto* data = std::get_if<tftp::SendData>(&*action)) {
        for (auto wants = send(*data); wants != Wants::nothing; wants = send(*data)) {
          if (wants == Wants::disk) {
            co_await fetch(*data);
          } else {
            co_await socket_.async_wait(udp::socket::wait_write, net::as_tuple(net::use_awaitable));
          }
        }
      } else {
        send_packet(tftp::encode_oack(negotiated_));
      }
    }
    co_await socket_.async_wait(udp::socket::wait_read, net::as_tuple(net::use_awaitable));
    machine_->timeout(now());
    receive();
  }
}

// Sends what it can of `data`, which becomes what is left.
TftpTransfer::Wants TftpTransfer::send(tftp::SendData& data) {
  while (data.count > 0 && !machine_->over()) {
    const auto batch = next_batch(data);
    std::span<const std::byte> packets;
    if (fetched_ && fetched_->block == batch.block) {
      if (!fetched_->whole) break;
      packets = fetched_->packets;
    } else {
      auto& [buffer, pieces] = scratch();
      packets = lay_out(batch, buffer, pieces);
      const auto got = file_->read_cached(pieces, batch.offset);
      if (!got || *got < batch.size) return Wants::disk;
    }
    std::error_code error;
    const auto packet_size = negotiated_.block_size + tftp::data_header_size;
    const auto sent = sender_.send(socket_, packets, packet_size, error);
    if (error == std::errc::connection_refused) machine_->abandoned("port unreachable");
    // Anything but a full buffer is like a loss on the way, and the timer mends it.
    const bool full = error == std::errc::operation_would_block || error == std::errc::no_buffer_space;
    const auto done = full ? static_cast<std::uint32_t>(sent) : batch.count;
    data.block += done;
    data.count -= done;
    const auto bytes = std::min<std::uint64_t>(std::uint64_t{done} * negotiated_.block_size, data.size);
    data.offset += bytes;
    data.size -= bytes;
    fetched_.reset();
    if (full) return Wants::room;
  }
  if (fetched_ && fetched_->error) {
    shared_.warn_rarely(fmt::format("{} cannot be read: {}", request_.filename, fetched_->error.message()));
    machine_->file_unreadable();
  } else if (fetched_) {
    machine_->file_cut_short();
  }
  fetched_.reset();
  return Wants::nothing;
}

net::awaitable<void> TftpTransfer::fetch(const tftp::SendData& data) {
  const auto batch = next_batch(data);
  fetched_.emplace(Fetched{batch.block, std::vector<std::byte>(scratch().packets.size()), false, {}});
  std::vector<std::span<std::byte>> pieces;
  const auto packets = lay_out(batch, fetched_->packets, pieces);
  const auto read = [file = &*file_, &pieces, offset = batch.offset] { return file->read(pieces, offset); };
  const auto got = co_await shared_.disk.run(read);
  fetched_->whole = got && *got == batch.size;
  if (!got) fetched_->error = got.error();
  fetched_->packets.resize(packets.size());
}

// As much of `data` as goes out in one call.
tftp::SendData TftpTransfer::next_batch(const tftp::SendData& data) const {
  const auto fit = PacketSender::most_bytes / (negotiated_.block_size + tftp::data_header_size);
  auto batch = data;
  batch.count = std::min(
      data.count, static_cast<std::uint32_t>(std::clamp<std::size_t>(fit, 1, PacketSender::most_packets)));
  batch.size = std::min<std::uint64_t>(data.size, std::uint64_t{batch.count} * negotiated_.block_size);
  return batch;
}

// Writes the DATA headers of `batch` into `buffer`, and gives in `pieces` the gaps for the file's bytes: one
// read fills them, and one send takes the whole.
std::span<const std::byte> TftpTransfer::lay_out(const tftp::SendData& batch, std::span<std::byte> buffer,
                                                 std::vector<std::span<std::byte>>& pieces) const {
  pieces.clear();
  std::size_t at = 0;
  auto left = batch.size;
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    tftp::encode_data_header(buffer.subspan(at).first<tftp::data_header_size>(),
                             static_cast<std::uint16_t>(batch.block + i));
    at += tftp::data_header_size;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, negotiated_.block_size));
    if (size > 0) pieces.push_back(buffer.subspan(at, size));
    at += size;
    left -= size;
  }
  return buffer.first(at);
}

void TftpTransfer::send_packet(std::span<const std::byte> packet) {
  std::error_code error;
  sender_.send(socket_, packet, packet.size(), error);
  if (error == std::errc::connection_refused && machine_) machine_->abandoned("port unreachable");
}

void TftpTransfer::receive() {
  std::array<std::byte, 1024> buffer;
  // In lockstep there is one ACK at a time; behind a window several may wait, and only the last of them
  // counts.
  for (bool more = true; more && !machine_->over(); more = negotiated_.window > 1) {
    error_code error;
    const auto size = socket_.receive(net::buffer(buffer), 0, error);
    if (error == net::error::connection_refused) machine_->abandoned("port unreachable");
    if (error) return;
    machine_->datagram(std::span(buffer).first(size), now());
  }
}

// One timer that is moved on only when it fires: a transfer in full swing never touches it.
void TftpTransfer::watch() {
  timer_.expires_at(machine_->deadline());
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->machine_->over()) return;
    if (now() >= self->machine_->deadline()) {
      self->machine_->timeout(now());
      self->socket_.cancel(error);  // wakes drive()
    }
    self->watch();
  });
}

void TftpTransfer::abandon(std::string_view why) {
  stopped_ = true;
  if (!machine_) return;
  machine_->abandoned(why);
  error_code ignored;
  socket_.cancel(ignored);
}

void TftpTransfer::stop() {
  stopped_ = true;
  if (!machine_) return;
  machine_->stop();
  error_code ignored;
  socket_.cancel(ignored);
}

void TftpTransfer::ended(const tftp::Finished& how) {
  const std::chrono::duration<double> took = now() - began_;
  shared_.events.emit(event::TftpEnded{number_, client_, request_.filename, machine_->acknowledged(),
                                       took.count(), negotiated_.block_size, negotiated_.window,
                                       machine_->resent(), machine_->tries(), how});
}

}  // namespace server
