#include "server/tftp/read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/events/warning.hpp"
#include "server/files/finder.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"

namespace server {
namespace {

// Bytes that one ACK may draw. To forge one, a client must know the port of ours that it goes to: where that
// is one of all ports he has to send a megabyte before he has hit it.
constexpr std::size_t most_window = 1 << 20, most_guessable_window = 64 * 1024;
// What is sent before others have their turn.
constexpr std::uint64_t most_at_once = 128 * 1024;

}  // namespace

net::awaitable<void> TftpRead::look_up() {
  const std::function<bool()> wanted = [this] { return !stopped(); };
  auto asked = asked_over(event::Protocol::tftp, *common_.settings, name());
  auto answer = co_await common_.finder.find(std::move(asked), asked_.address, wanted);
  if (!answer) co_return;  // the device asks again
  if (stopped()) {
    if (*answer) close_later(std::move((*answer)->file));
    co_return;
  }
  if (!*answer) co_return refuse(answer->error());

  auto& found = **answer;
  const bool text = asked_.request.mode == tftp::Mode::netascii;
  const auto size = found.file.at_open().size;
  const auto& limits = common_.settings->tftp;
  negotiate(size, {limits.max_block_size, limits.max_window,
                   asked_.port_can_be_guessed ? most_guessable_window : most_window});
  auto machine =
      std::make_unique<tftp::ReadTransfer>(negotiated_, text ? std::nullopt : std::optional(size),
                                           std::chrono::steady_clock::now(), asked_.port_can_be_guessed);
  machine_ = machine.get();
  if (text) {
    blocks_ = std::make_shared<TextBlocks>(std::move(found.file), negotiated_);
  } else {
    blocks_ = std::make_shared<OctetBlocks>(common_.images.share(found.file, negotiated_));
  }
  close_later(std::move(found.file));
  begin(std::move(machine), found.path, found.rule, size);
}

bool TftpRead::perform(const tftp::Action& action, tftp::Time now) {
  data_ = std::get<tftp::SendData>(action);
  return resume_action(now);
}

bool TftpRead::resume_action(tftp::Time now) {
  std::uint64_t at_once = 0;
  while (data_.count > 0 && !machine_->ended()) {
    if (at_once >= most_at_once) {
      wait_for_turn();
      return false;
    }
    const auto batch = next_batch();
    TftpBlocks::Packets packets;
    if (fetched_ && fetched_->block == batch.block) {
      packets = fetched_->packets;
    } else if (const auto cached = blocks_->cached(batch)) {
      packets = *cached;
    } else if (fetch(batch)) {
      return false;
    } else {
      data_.count = 0;
      break;
    }
    bool full = false;
    const auto sent = send(packets, blocks_->packet_size(), full);
    const auto done = full ? static_cast<std::uint32_t>(sent) : batch.count;
    const auto bytes = std::min(std::uint64_t{done} * negotiated_.block_size, data_.size);
    at_once += bytes;
    data_ = {data_.block + done, data_.count - done, data_.offset + bytes, data_.size - bytes};
    if (full) {
      wait_for_room();
      return false;
    }
  }
  fetched_.reset();
  machine_->sent(now);
  return true;
}

// As much of data_ as goes out in one call.
tftp::SendData TftpRead::next_batch() const {
  if (data_.count == 1) return data_;
  const auto fit = std::clamp<std::size_t>(PacketSender::most_bytes / blocks_->packet_size(), 1,
                                           PacketSender::most_packets);
  auto batch = data_;
  batch.count = std::min(data_.count, static_cast<std::uint32_t>(fit));
  batch.size = std::min<std::uint64_t>(data_.size, std::uint64_t{batch.count} * negotiated_.block_size);
  return batch;
}

// False where memory is too short for it: like a lost packet, the timer sends it again.
bool TftpRead::fetch(const tftp::SendData& batch) try {
  // The end of a file in memory must not wait behind reads of a slow disk.
  auto& workers = blocks_->only_asks(batch) ? common_.lanes.finding : common_.lanes.reading;
  workers.run(
      client_network(asked_.address), [blocks = blocks_, batch] { return blocks->read(batch); },
      [self = shared_from_this(), this](std::optional<TftpBlocks::Filled> filled) {
        guarded([&] {
          if (filled) {
            take(std::move(*filled));
          } else {
            data_.count = 0;
          }
          resume();
        });
      });
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void TftpRead::closed() {
  if (blocks_) common_.lanes.closing.add(std::move(blocks_));
}

void TftpRead::close_later(storage::File file) {
  if (file.handle()) common_.lanes.closing.add(std::make_shared<storage::File>(std::move(file)));
}

void TftpRead::take(TftpBlocks::Filled filled) {
  if (filled.error) {
    common_.events.warn_rarely(Warning::unreadable,
                               fmt::format("a file cannot be read: {}", filled.error.message()));
    return machine_->file_unreadable(filled.error.message());
  }
  if (filled.changed) return machine_->file_changed();
  if (filled.binary) found_binary();
  if (filled.last) {
    machine_->ends_with(filled.last->block, filled.last->size);
    data_.count = static_cast<std::uint32_t>(filled.last->block - data_.block + 1);
  }
  fetched_ = std::move(filled);
}

}  // namespace server
