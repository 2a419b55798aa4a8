#include "server/tftp/read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "storage/lookup/explain.hpp"

namespace server {
namespace {

using storage::AboveRoot;

// Bytes that one ACK may draw. To forge one, a client must know the port of ours that it goes to: where that
// is one of all ports he has to send a megabyte before he has hit it.
constexpr std::size_t most_window = 1 << 20, most_guessable_window = 64 * 1024;
// What is sent before others have their turn.
constexpr std::uint64_t most_at_once = 128 * 1024;
constexpr std::size_t most_components = 16;

// What a worker needs. The root is opened again: an administrator may have put another images/ in its place.
struct Search {
  Library& library;
  std::string name;
  storage::LookupSettings settings;

  std::expected<storage::Found, storage::NotFound> as_asked() const {
    const auto root = storage::Root::open(library.depot.images());
    if (!root) return std::unexpected(storage::NotFound{storage::Path{}, root.error()});
    return storage::find_as_asked(*root, name, AboveRoot::refused, settings);
  }

  // What was plainly meant. Cheap, where explain() is dear.
  std::expected<storage::Found, storage::NotFound> as_meant() const {
    const auto root = storage::Root::open(library.depot.images());
    const auto catalogue = root ? library.catalogue.now() : nullptr;
    if (!catalogue) return std::unexpected(storage::NotFound{storage::Path{}, error_of(root)});
    return storage::find_image(*root, *catalogue, name, AboveRoot::refused, settings);
  }

  storage::Miss explain(const storage::NotFound& missing) const {
    const auto root = storage::Root::open(library.depot.images());
    const auto catalogue = root ? library.catalogue.now() : nullptr;
    if (!catalogue) return storage::closed_images(library.depot.images(), error_of(root));
    return storage::explain_miss(*root, *catalogue, name, missing, &library.depot);
  }

 private:
  static std::error_code error_of(const storage::Result<storage::Root>& root) {
    return root ? std::make_error_code(std::errc::no_such_file_or_directory) : root.error();
  }
};

// Without a look at anything.
storage::Miss missed_at_once(const std::string& name, const storage::NotFound& missing) {
  if (missing.withheld) return storage::withheld_upload(*missing.asked);
  return missing.asked ? storage::plain_miss(name, missing.error)
                       : storage::explain_miss(name, missing.asked.error());
}

bool is_short_of_descriptors(std::error_code error) {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system;
}

// Deeper than any tree of images: it means nothing that a forgiving rule could find.
bool is_deep(const storage::Path& path) { return path.components().size() > most_components; }

}  // namespace

net::awaitable<void> TftpRead::look_up() {
  Search search{common_.library, name(), common_.settings->lookup};
  search.settings.uploads = common_.settings->tftp.read_uploads;
  const auto as_asked = [search] { return search.as_asked(); };
  auto found = co_await common_.lanes.disk.run(as_asked);
  if (!found && !stopped()) {
    // A name that is not a valid path cannot match anything: refuse it at once.
    if (!found.error().asked || found.error().withheld || is_deep(*found.error().asked))
      co_return refuse(missed_at_once(name(), found.error()));
    // Nobody may be told that a file is not there while nobody has looked: the device asks again.
    const auto waiting = common_.meanings.take(asked_.address);
    if (!waiting) co_return;
    const auto as_meant = [search] { return search.as_meant(); };
    found = co_await common_.lanes.explaining.run(as_meant);
  }
  if (!found && is_short_of_descriptors(found.error().error)) co_return;  // nor that
  if (!found && !stopped()) {
    const auto waiting = common_.explanations.take(asked_.address);
    if (!waiting) co_return refuse(missed_at_once(name(), found.error()));
    const auto explain = [search, missing = found.error()] { return search.explain(missing); };
    const auto miss = co_await common_.lanes.explaining.run(explain);
    if (!stopped()) refuse(miss);
    co_return;
  }
  if (stopped()) {
    if (found) let_go(std::move(found->file));
  } else {
    serve(std::move(*found));
  }
}

void TftpRead::serve(storage::Found found) {
  const bool text = asked_.request.mode == tftp::Mode::netascii;
  const auto size = found.file.at_open().size;
  const auto& limits = common_.settings->tftp;
  negotiate(size, {limits.max_block_size, limits.max_window,
                   asked_.port_can_be_guessed ? most_guessable_window : most_window});
  auto machine = std::make_unique<tftp::ReadTransfer>(negotiated_, text ? std::nullopt : std::optional(size),
                                                      std::chrono::steady_clock::now());
  machine_ = machine.get();
  if (text) {
    blocks_ = std::make_shared<TextBlocks>(std::move(found.file), negotiated_);
  } else {
    blocks_ = std::make_shared<OctetBlocks>(common_.images.share(found.file, negotiated_));
  }
  let_go(std::move(found.file));
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
  auto& lane = blocks_->only_asks(batch) ? common_.lanes.disk : common_.lanes.content;
  lane.run([blocks = blocks_, batch] { return blocks->read(batch); },
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

void TftpRead::closed() { let_go(std::move(blocks_)); }

// To close a file may wait for its disk too.
template <class Holder>
void TftpRead::let_go(Holder holder) {
  common_.lanes.disk.post([held = std::move(holder)]() mutable { const auto dropped = std::move(held); });
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
