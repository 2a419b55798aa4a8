#include "server/drop/judge.hpp"

#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "server/loop/workers.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/import/digest_file.hpp"

namespace server {
namespace {

// EAGAIN alone does not say so: the system has it for a process that it does not start, too.
bool was_touched(const storage::File& file) {
  const auto now = file.attributes();
  return !now || now->version != file.at_open().version;
}

// Somebody may put a file into drop/ that this user may not read.
template <class Open>
auto opened(Open open) {
  try {
    return open();
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::permission_denied) throw;
    throw std::runtime_error(
        fmt::format("{}; give this user the right to read it, or take it out of drop/", e.what()));
  }
}

}  // namespace

// In rejected/: counted once for all that is looked at in one round, and again after each that goes there.
std::size_t DropJudge::rejected() {
  if (!rejected_) rejected_ = storage::rejected_files(depot_);
  return *rejected_;
}

DropJudge::Seen DropJudge::examine(const std::string& name, const std::optional<Left>& left) {
  const auto kind = storage::kind_of_drop(depot_, name);
  return {kind, kind == storage::DropKind::file && left && is_left(name, *left)};
}

bool DropJudge::is_left(const std::string& name, const Left& left) try {
  if (storage::DroppedFile(depot_, name).file().at_open().version != left.file) return false;
  switch (left.why) {
    case Left::Why::waits:
      return origins_.refresh() == left.releases;
    case Left::Why::no_room:
      return rejected() >= settings_.max_rejected;
    case Left::Why::published:
      break;
  }
  return true;
} catch (const std::system_error&) {
  return false;  // the import says why
}

DropJudge::Outcome DropJudge::judge(const std::string& name, const std::shared_ptr<Progress>& progress) {
  try {
    return judge(opened([&] { return storage::DroppedFile(depot_, name); }), progress);
  } catch (const std::bad_alloc&) {
    return Failed{out_of_memory};
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::no_such_file_or_directory &&
        storage::kind_of_drop(depot_, name) == storage::DropKind::gone)
      return Gone{};
    return Failed{e.what(), e.code() == std::errc::resource_unavailable_try_again};
  } catch (const std::exception& e) {
    return Failed{e.what()};
  }
}

DropJudge::Outcome DropJudge::judge(const storage::DroppedFile& drop,
                                    const std::shared_ptr<Progress>& progress) {
  std::vector<storage::DroppedDigests> digests;
  try {
    if (storage::is_digest_file(drop.name())) return compare(drop);
    std::optional<std::string> fault;
    digests = opened([&] { return storage::digests_beside_drop(depot_, drop.name(), fault); });
    if (fault) throw storage::Rejected(*fault);
    return publish(drop, digests, progress);
  } catch (const storage::Rejected& e) {
    return reject(drop, digests, e.what());
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::resource_unavailable_try_again || was_touched(drop.file())) throw;
    return Failed{e.what()};
  }
}

// Either what the digest file names was found, or the file waits. It may be out of drop/ by now.
DropJudge::Outcome DropJudge::compare(const storage::DroppedFile& drop) {
  auto compared = storage::compare_digests(depot_, drop, origins_);
  return Compared{std::move(compared), {Left::Why::waits, drop.file().at_open().version, origins_.refresh()}};
}

DropJudge::Outcome DropJudge::publish(const storage::DroppedFile& drop,
                                      const std::vector<storage::DroppedDigests>& digests,
                                      const std::shared_ptr<Progress>& progress) {
  const storage::ImportOrder order{.progress = [progress](std::uint64_t done, std::uint64_t total) {
    progress->done = done;
    progress->total = total;
  }};
  const auto path = drop.path();
  const auto known = storage::digests_of(digests, drop.name());
  Done done{storage::import_and_retire(depot_, {path, drop.file(), known}, settings_, settings_.keep, order)};
  try {
    done.taken = take_away(drop, done.what.imported);
  } catch (const std::exception& e) {
    done.left_over = fmt::format("it is published, but stays in drop/: {}", e.what());
    done.left = {Left::Why::published, drop.file().at_open().version};
    return done;
  }
  if (const auto problem = take_away(drop, digests, storage::Fate::published); !problem.empty())
    done.left_over = fmt::format("it is published, but its checksum file stays in drop/: {}", problem);
  return done;
}

// Nothing is ever deleted: where rejected/ is full, it is the administrator's to say what may go.
DropJudge::Outcome DropJudge::reject(const storage::DroppedFile& drop,
                                     const std::vector<storage::DroppedDigests>& digests,
                                     const std::string& reason) {
  const auto files = rejected();
  if (files >= settings_.max_rejected)
    return Failed{fmt::format("{}; it cannot be put into rejected/, which holds {} files, and "
                              "import.max_rejected is {}: empty it",
                              reason, files, settings_.max_rejected),
                  false, Left{Left::Why::no_room, drop.file().at_open().version}};
  rejected_.reset();
  const auto moved_to = drop.reject(reason);
  if (!moved_to) return Replaced{};
  Refused refused{reason, fmt::format("rejected/{}", storage::utf8_of(moved_to->filename()))};
  if (const auto problem = take_away(drop, digests, storage::Fate::rejected); !problem.empty())
    refused.left_over = fmt::format("it is rejected, but its checksum file stays in drop/: {}", problem);
  return refused;
}

// A second copy of a bundle is not worth keeping. False: another file lies there by now.
bool DropJudge::take_away(const storage::DroppedFile& drop, const storage::Imported& imported) const {
  return settings_.keep_bundles && !imported.already_there ? drop.keep() : drop.remove();
}

// The file itself is dealt with by now, and trouble with its digest files must not change that.
std::string DropJudge::take_away(const storage::DroppedFile& drop,
                                 const std::vector<storage::DroppedDigests>& digests,
                                 storage::Fate fate) const try {
  storage::take_away(depot_, digests, drop.name(), fate, settings_.max_rejected);
  return {};
} catch (const std::exception& e) {
  return e.what();
}

}  // namespace server
