#include "storage/files/tree_watch.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "storage/files/nt_windows.hpp"
#include "storage/files/uploads_folder.hpp"

namespace storage {
namespace {

// Wine tells nothing of what changes below the folder that is watched.
bool sees_below() {
  static const bool sees = ::GetProcAddress(::GetModuleHandleW(L"ntdll.dll"), "wine_get_version") == nullptr;
  return sees;
}

// What other hosts change on a share is not always told.
bool is_share(HANDLE folder) {
  FILE_REMOTE_PROTOCOL_INFO info{};
  return ::GetFileInformationByHandleEx(folder, FileRemoteProtocolInfo, &info, sizeof info) != 0;
}

bool is_in_uploads(std::wstring_view path) {
  const std::wstring uploads(uploads_name.begin(), uploads_name.end());
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(L'\\', at), path.size());
    if (path.substr(at, end - at) == uploads) return true;
    at = end + 1;
  }
  return false;
}

// Notices of changes in a folder and all that lies below it. What clients send does not count: it is no
// scan's business, and there is much of it.
class Watch {
 public:
  Watch(Handle folder, std::wstring path) : handle_(std::move(folder)), path_(std::move(path)) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    DWORD ignored = 0;
    if (asked_ && ::CancelIoEx(native(handle_), &request_) != 0)
      ::GetOverlappedResult(native(handle_), &request_, &ignored, TRUE);
  }

  bool ask() {
    constexpr DWORD wanted = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME |
                             FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE |
                             FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SECURITY;
    request_ = {};
    asked_ = ::ReadDirectoryChangesW(native(handle_), notices_.data(), static_cast<DWORD>(sizeof notices_),
                                     sees_below(), wanted, nullptr, &request_, nullptr) != 0;
    return asked_;
  }

  bool covers(std::wstring_view folder) const {
    if (!folder.starts_with(path_)) return false;
    return folder.size() == path_.size() ||
           (sees_below() && (path_.ends_with(L'\\') || folder[path_.size()] == L'\\'));
  }

  bool changed() {
    DWORD size = 0;
    while (asked_) {
      if (!::GetOverlappedResult(native(handle_), &request_, &size, FALSE)) {
        if (::GetLastError() == ERROR_IO_INCOMPLETE) return false;
        break;  // the folder is gone
      }
      asked_ = false;
      if (size == 0 || counts(size)) break;  // 0: more changes than there was room for
      ask();
    }
    asked_ = false;
    return true;
  }

 private:
  bool counts(std::size_t size) const {
    const auto* const begin = reinterpret_cast<const std::byte*>(notices_.data());
    for (std::size_t at = 0; at + sizeof(FILE_NOTIFY_INFORMATION) <= size;) {
      const auto& notice = *reinterpret_cast<const FILE_NOTIFY_INFORMATION*>(begin + at);
      if (!is_in_uploads({notice.FileName, notice.FileNameLength / sizeof(wchar_t)})) return true;
      if (notice.NextEntryOffset == 0) break;
      at += notice.NextEntryOffset;
    }
    return false;
  }

  Handle handle_;
  const std::wstring path_;
  OVERLAPPED request_{};
  bool asked_ = false;
  std::array<DWORD, 4096> notices_{};
};

}  // namespace

struct TreeWatch::State {
  std::vector<std::unique_ptr<Watch>> watches;
};

TreeWatch::TreeWatch() : state_(std::make_unique<State>()) {}
TreeWatch::TreeWatch(TreeWatch&&) noexcept = default;
TreeWatch& TreeWatch::operator=(TreeWatch&&) noexcept = default;
TreeWatch::~TreeWatch() = default;

// One watch for the whole tree, at its top, which is added first: an open folder lets none of the folders
// above it be renamed.
void TreeWatch::add(const Directory& directory) {
  if (blind_) return;
  const auto folder = reinterpret_cast<HANDLE>(directory.native());
  auto path = final_path(folder, Volume::named);
  if (path && std::ranges::any_of(state_->watches, [&](const auto& each) { return each->covers(*path); }))
    return;
  auto own = reopen_overlapped(folder, FILE_LIST_DIRECTORY);
  blind_ = !path || !own || is_share(folder);
  if (blind_) return;
  auto watch = std::make_unique<Watch>(std::move(*own), std::move(*path));
  blind_ = !watch->ask();
  state_->watches.push_back(std::move(watch));
}

bool TreeWatch::changed() const {
  return blind_ || std::ranges::any_of(state_->watches, [](const auto& each) { return each->changed(); });
}

}  // namespace storage
