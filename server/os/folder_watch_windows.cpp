#include "server/os/folder_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/windows/overlapped_ptr.hpp>
#include <boost/asio/windows/random_access_handle.hpp>
#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "server/loop/reserved_memory.hpp"
#include "server/os/wide.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Kind = DropChange::Kind;

constexpr auto watch_again = 10s;  // when the folder is gone
constexpr auto ask_again = 1s;     // whether a writer has closed
// Changes that wait to be told, as the kernel of Linux keeps; of more than that the whole folder is looked
// at.
constexpr std::size_t most_kept = 16'384;
constexpr std::size_t most_told = 500;  // of these in one turn of the loop
// Names that are asked about in one round. Of a writer who has another open, nobody sees that it closes.
constexpr std::size_t most_written = 2000;
constexpr DWORD wanted = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME |
                         FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE;

HANDLE open_folder(const std::filesystem::path& folder) {
  return ::CreateFileW(folder.c_str(), FILE_LIST_DIRECTORY, share_all, nullptr, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, nullptr);
}

struct FolderId {
  DWORD volume = 0, high = 0, low = 0;
  friend bool operator==(const FolderId&, const FolderId&) = default;
};

FolderId id_of(HANDLE folder) {
  BY_HANDLE_FILE_INFORMATION info{};
  if (!::GetFileInformationByHandle(folder, &info)) return {};
  return {info.dwVolumeSerialNumber, info.nFileIndexHigh, info.nFileIndexLow};
}

// What was found out on a thread that may wait for the disk.
struct Answer {
  std::vector<std::string> closed;
  bool replaced = false;  // another folder has the name
};

net::awaitable<Answer> ask(std::filesystem::path folder, FolderId watched, std::set<std::string> written) {
  Answer answer;
  const KernelHandle there(open_folder(folder));
  answer.replaced = id_of(there.get()) != watched;
  for (const auto& name : written)
    if (!storage::is_open_for_writing(folder / storage::path_of(name))) answer.closed.push_back(name);
  co_return answer;
}

}  // namespace

struct DropWatch::Impl : std::enable_shared_from_this<DropWatch::Impl> {
  Impl(net::io_context& io, std::filesystem::path where)
      : folder(std::move(where)), loop(io), timer(io), asking(1) {}

  // False where that cannot be done, or the question about the folder before is not answered yet.
  bool watch() {
    if (asked) return false;
    const auto handle = open_folder(folder);
    if (handle == INVALID_HANDLE_VALUE) return fails(last_error());
    directory.emplace(loop);
    error_code error;
    directory->assign(handle, error);
    if (error) {
      ::CloseHandle(handle);
      directory.reset();
      return fails(error);
    }
    id = id_of(handle);
    if (!listen()) return false;
    told = false;
    return true;
  }

  // Asks for what happens from now on. The system keeps what happens between two questions, and writes the
  // answer into the buffer, which this keeps until it has come: also after stop().
  bool listen() {
    net::windows::overlapped_ptr question(
        loop, net::bind_allocator(memory.allocator(),
                                  [self = shared_from_this()](const error_code& error, std::size_t size) {
                                    self->heard(error, size);
                                  }));
    asked = ::ReadDirectoryChangesW(directory->native_handle(), buffer.data(), sizeof buffer, FALSE, wanted,
                                    nullptr, question.get(), nullptr) != 0;
    if (asked) {
      question.release();
    } else {
      fails(last_error());
      directory.reset();
    }
    return asked;
  }

  bool fails(std::error_code error) {
    why = error;
    return false;
  }

  void heard(const error_code& error, std::size_t size) {
    asked = false;
    const bool overflow = error ? error.value() == ERROR_NOTIFY_ENUM_DIR : size == 0;
    if (stopped || !directory || (error && !overflow)) {
      directory.reset();  // the folder is gone, or another has its name
    } else {
      if (overflow) {
        keep({Kind::everything, ""});
      } else {
        take(size);
      }
      listen();
    }
    timer.cancel();
  }

  void take(std::size_t size) {
    const auto* at = reinterpret_cast<const char*>(buffer.data());
    const auto* const end = at + size;
    while (at < end) {
      const auto* const change = reinterpret_cast<const FILE_NOTIFY_INFORMATION*>(at);
      note(change->Action, narrow({change->FileName, change->FileNameLength / sizeof(wchar_t)}));
      if (change->NextEntryOffset == 0) return;
      at += change->NextEntryOffset;
    }
  }

  void note(DWORD action, std::string name) {
    if (name.find('~') != name.npos) {  // it may be the short name of a file that has a long one
      keep({Kind::everything, ""});
    } else if (action == FILE_ACTION_REMOVED || action == FILE_ACTION_RENAMED_OLD_NAME) {
      written.erase(name);
      keep({Kind::gone, std::move(name)});
    } else if (action == FILE_ACTION_RENAMED_NEW_NAME) {
      keep({Kind::closed, std::move(name)});
    } else {
      if (written.size() < most_written) written.insert(name);
      keep({Kind::written, std::move(name)});
    }
  }

  void keep(DropChange change) {
    if (changes.size() >= most_kept) {
      changes.clear();
      change = {Kind::everything, ""};
    }
    changes.push_back(std::move(change));
  }

  // The oldest; the next wait ends at once for the rest.
  std::vector<DropChange> take_some() {
    std::vector<DropChange> some;
    some.reserve(std::min(changes.size(), most_told));
    while (!changes.empty() && some.size() < most_told) {
      some.push_back(std::move(changes.front()));
      changes.pop_front();
    }
    return some;
  }

  // Whether writers have closed, and whether the folder is still the one that is watched.
  net::awaitable<void> look() {
    looked = Clock::now();
    const auto [error, answer] =
        co_await net::co_spawn(asking, ask(folder, id, written), net::as_tuple(net::use_awaitable));
    if (error || stopped) co_return;
    for (const auto& name : answer.closed)
      if (written.erase(name) > 0) keep({Kind::closed, name});
    if (answer.replaced) directory.reset();
  }

  static net::awaitable<std::vector<DropChange>> next(std::shared_ptr<Impl> self,
                                                      Clock::time_point deadline) {
    if (self->stopped) co_return std::vector<DropChange>{};
    if (!self->directory && self->watch()) co_return std::vector<DropChange>{{Kind::everything, ""}};
    if (!self->directory && !self->asked && !std::exchange(self->told, true))
      co_return std::vector<DropChange>{{Kind::unwatched, "", self->why}};
    if (self->changes.empty()) {
      const auto now = Clock::now();
      self->timer.expires_at(std::min(deadline, self->written.empty() ? now + watch_again : now + ask_again));
      co_await self->timer.async_wait(
          net::bind_allocator(self->timer_memory.allocator(), net::as_tuple(net::use_awaitable)));
    }
    if (self->stopped) co_return std::vector<DropChange>{};
    if (self->directory && Clock::now() - self->looked >= (self->written.empty() ? watch_again : ask_again))
      co_await self->look();
    co_return self->take_some();
  }

  const std::filesystem::path folder;
  net::io_context& loop;
  std::optional<net::windows::random_access_handle> directory;
  FolderId id;
  net::steady_timer timer;
  net::thread_pool asking;
  std::array<DWORD, 16'384> buffer;  // 64 KiB, the most that works over a network
  std::deque<DropChange> changes;
  std::set<std::string> written;  // by those who may not have closed
  Clock::time_point looked = Clock::now();
  bool asked = false;   // and not answered
  std::error_code why;  // the folder could not be watched
  bool told = false;    // that it cannot be
  bool stopped = false;
  const WaitMemory memory, timer_memory;
};

DropWatch::DropWatch(net::io_context& loop, const std::filesystem::path& folder)
    : impl_(std::make_shared<Impl>(loop, folder)) {
  if (!impl_->watch())
    throw std::system_error(impl_->why, fmt::format("cannot watch {}", storage::utf8_of(folder)));
}

DropWatch::~DropWatch() { stop(); }

net::awaitable<std::vector<DropChange>> DropWatch::next(Clock::time_point deadline) {
  return Impl::next(impl_, deadline);
}

void DropWatch::stop() {
  impl_->stopped = true;
  impl_->directory.reset();
  impl_->timer.cancel();
}

}  // namespace server
