#include "server/tftp_read.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace server {
namespace {

// Opens the root anew: an administrator may have put another images/ in its place.
std::expected<storage::Found, storage::NotFound> find_in(const storage::Depot& depot, const std::string& name,
                                                         const storage::LookupSettings& settings) {
  const auto root = storage::Root::open(depot.images());
  if (!root) return std::unexpected(storage::NotFound{storage::Path{}, root.error()});
  return storage::find_image(*root, name, storage::AboveRoot::refused, settings);
}

}  // namespace

net::awaitable<void> TftpRead::look_up() {
  // An exact name costs no scan; whoever has another one waits for a worker that nobody else waits for.
  auto exact = shared_.settings->lookup;
  exact.forgiving = false;
  auto found = co_await find(shared_.disk, std::move(exact));
  const bool crowded = shared_.explaining.busy() >= most_explanations;
  if (!found && shared_.settings->lookup.forgiving && !crowded && !stopped()) {
    found = co_await find(shared_.explaining, shared_.settings->lookup);
  }
  if (stopped()) {
    if (found) let_go(std::move(found->file));
  } else if (found) {
    serve(std::move(*found));
  } else {
    refuse(co_await explain(std::move(found.error())));
  }
}

net::awaitable<TftpRead::Found> TftpRead::find(Workers& workers, storage::LookupSettings settings) {
  const auto look = [&depot = shared_.depot, settings = std::move(settings), name = name()] {
    return find_in(depot, name, settings);
  };
  co_return co_await workers.run(look);
}

net::awaitable<storage::Miss> TftpRead::explain(storage::NotFound missing) {
  if (missing.asked && shared_.explaining.busy() >= most_explanations) {
    co_return storage::plain_miss(name(), missing.error);
  }
  const auto work = [&depot = shared_.depot, name = name(), missing = std::move(missing)] {
    const auto root = storage::Root::open(depot.images());
    return root ? storage::explain_miss(*root, name, missing)
                : storage::plain_miss(depot.images().string(), root.error());
  };
  co_return co_await shared_.explaining.run(work);
}

void TftpRead::serve(storage::Found found) {
  const bool text = asked_.request.mode == tftp::Mode::netascii;
  const auto size = found.file.at_open().size;
  const auto& limits = shared_.settings->tftp;
  negotiated_ = tftp::negotiate(asked_.request, size, {limits.max_block_size, limits.max_window});
  auto machine = std::make_unique<tftp::ReadTransfer>(negotiated_, text ? std::nullopt : std::optional(size),
                                                      std::chrono::steady_clock::now());
  machine_ = machine.get();
  if (text) {
    blocks_ = std::make_shared<TextBlocks>(std::move(found.file), negotiated_);
  } else {
    blocks_ = std::make_shared<OctetBlocks>(images_.share(found.file, negotiated_));
  }
  let_go(std::move(found.file));
  begin(std::move(machine), found.path, found.rule);
}

bool TftpRead::perform(const tftp::Action& action) {
  data_ = std::get<tftp::SendData>(action);
  return resume_action();
}

bool TftpRead::resume_action() {
  while (data_.count > 0 && !machine_->ended()) {
    const auto batch = next_batch();
    TftpBlocks::Packets packets;
    if (fetched_ && fetched_->block == batch.block) {
      packets = fetched_->packets;
    } else if (const auto cached = blocks_->cached(batch)) {
      packets = *cached;
    } else {
      fetch(batch);
      return false;
    }
    bool full = false;
    const auto sent = send(packets, blocks_->packet_size(), full);
    const auto done = full ? static_cast<std::uint32_t>(sent) : batch.count;
    const auto bytes = std::min(std::uint64_t{done} * negotiated_.block_size, data_.size);
    data_ = {data_.block + done, data_.count - done, data_.offset + bytes, data_.size - bytes};
    if (full) {
      wait_for_room();
      return false;
    }
  }
  fetched_.reset();
  machine_->sent(std::chrono::steady_clock::now());
  return true;
}

// As much of data_ as goes out in one call.
tftp::SendData TftpRead::next_batch() const {
  const auto fit = std::clamp<std::size_t>(PacketSender::most_bytes / blocks_->packet_size(), 1,
                                           PacketSender::most_packets);
  auto batch = data_;
  batch.count = std::min(data_.count, static_cast<std::uint32_t>(fit));
  batch.size = std::min<std::uint64_t>(data_.size, std::uint64_t{batch.count} * negotiated_.block_size);
  return batch;
}

void TftpRead::fetch(const tftp::SendData& batch) {
  shared_.content.run([blocks = blocks_, batch] { return blocks->read(batch); },
                      [self = shared_from_this(), this](std::optional<TftpBlocks::Filled> filled) {
                        if (filled)
                          take(std::move(*filled));
                        else
                          machine_->file_unreadable();
                        resume();
                      });
}

void TftpRead::closed() { let_go(std::move(blocks_)); }

// To close a file may wait for its disk too.
template <class Holder>
void TftpRead::let_go(Holder holder) {
  auto work = [held = std::move(holder)]() mutable {
    const auto dropped = std::move(held);
    return true;
  };
  shared_.disk.run(std::move(work), [](auto) {});
}

void TftpRead::take(TftpBlocks::Filled filled) {
  if (filled.error) {
    shared_.warn_rarely(fmt::format("{} cannot be read: {}", name(), filled.error.message()));
    return machine_->file_unreadable();
  }
  if (filled.cut_short) return machine_->file_cut_short();
  if (filled.last) {
    machine_->ends_with(filled.last->block, filled.last->size);
    data_.count = static_cast<std::uint32_t>(filled.last->block - data_.block + 1);
  }
  fetched_ = std::move(filled);
}

}  // namespace server
