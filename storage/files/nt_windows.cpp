#include "storage/files/nt_windows.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "storage/files/file_windows.hpp"

namespace storage {
namespace {

// What mingw-w64 does not name.
constexpr auto status_of(std::uint32_t number) { return static_cast<NTSTATUS>(number); }
constexpr auto invalid_request = status_of(0xC0000010), invalid_level = status_of(0xC0000148);
constexpr auto not_implemented = status_of(0xC0000002), invalid_class = status_of(0xC0000003),
               invalid_parameter = status_of(0xC000000D), access_denied = status_of(0xC0000022),
               sharing_violation = status_of(0xC0000043), delete_pending = status_of(0xC0000056),
               is_a_directory = status_of(0xC00000BA), not_supported = status_of(0xC00000BB),
               tag_not_handled = status_of(0xC0000279);
constexpr DWORD directory_not_supported = 336, disk_quota_exceeded = 1295;

// Classes of information about files; mingw-w64's enumeration ends before the newer two.
constexpr int rename_class = 10, rename_class_ex = 65, disposition_class = 13, disposition_class_ex = 64;

NTSTATUS set_information(HANDLE handle, int number, void* information, std::size_t size) {
  IO_STATUS_BLOCK io{};
  return ::NtSetInformationFile(handle, &io, information, static_cast<ULONG>(size),
                                static_cast<FILE_INFORMATION_CLASS>(number));
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "windows"; }
  std::string message(int error) const override { return std::system_category().message(error); }
  std::error_condition default_error_condition(int error) const noexcept override {
    const auto place = std::ranges::find(conditions, static_cast<DWORD>(error), &Condition::error);
    if (place != conditions.end()) return std::make_error_condition(place->condition);
    return std::system_category().default_error_condition(error);
  }

 private:
  struct Condition {
    DWORD error;
    std::errc condition;
  };
  // Where libstdc++ has another condition, or none.
  static constexpr std::array<Condition, 22> conditions{
      {{ERROR_SHARING_VIOLATION, std::errc::device_or_resource_busy},
       {ERROR_LOCK_VIOLATION, std::errc::device_or_resource_busy},
       {ERROR_USER_MAPPED_FILE, std::errc::device_or_resource_busy},
       {ERROR_DELETE_PENDING, std::errc::no_such_file_or_directory},
       {ERROR_DIRECTORY, std::errc::not_a_directory},
       {directory_not_supported, std::errc::is_a_directory},
       {ERROR_CANT_RESOLVE_FILENAME, std::errc::too_many_symbolic_link_levels},
       {ERROR_NOT_A_REPARSE_POINT, std::errc::invalid_argument},
       {ERROR_FILENAME_EXCED_RANGE, std::errc::filename_too_long},
       {ERROR_NO_UNICODE_TRANSLATION, std::errc::illegal_byte_sequence},
       {ERROR_PRIVILEGE_NOT_HELD, std::errc::operation_not_permitted},
       {ERROR_INVALID_OWNER, std::errc::operation_not_permitted},
       {disk_quota_exceeded, std::errc::no_space_on_device},
       {ERROR_FILE_TOO_LARGE, std::errc::file_too_large},
       {ERROR_TOO_MANY_LINKS, std::errc::too_many_links},
       {ERROR_NO_SYSTEM_RESOURCES, std::errc::not_enough_memory},
       {ERROR_COMMITMENT_LIMIT, std::errc::not_enough_memory},
       {ERROR_NOT_ENOUGH_QUOTA, std::errc::not_enough_memory},
       {ERROR_CRC, std::errc::io_error},
       {ERROR_GEN_FAILURE, std::errc::io_error},
       {ERROR_IO_DEVICE, std::errc::io_error},
       {ERROR_NETNAME_DELETED, std::errc::io_error}}};
};

const Category category;

// Not with this version of Windows, or not with this file system.
bool is_unknown(NTSTATUS status) {
  return status == not_implemented || status == invalid_class || status == invalid_parameter ||
         status == not_supported || status == invalid_request || status == invalid_level;
}

// Absolute, but neither cleaned nor prefixed. Only the place where a relative path begins is asked of Win32.
std::wstring absolute(std::wstring text) {
  const bool has_drive = text.size() > 1 && text[1] == L':';
  if (text.starts_with(L"\\\\") || (has_drive && text.size() > 2 && text[2] == L'\\')) return text;
  const auto begin = has_drive ? text.substr(0, 2) : text.starts_with(L'\\') ? L"\\" : L".";
  std::wstring base(32'768, L'\0');
  const auto size = ::GetFullPathNameW(begin.c_str(), static_cast<DWORD>(base.size()), base.data(), nullptr);
  if (size == 0) throw std::system_error(last_error(), "cannot ask for the current directory");
  base.resize(size);
  return base + L'\\' + (has_drive ? text.substr(2) : text);
}

// `prefix` and what is left of `text` when "." and ".." are gone; the first `kept` names stay in any case.
std::wstring cleaned(std::wstring prefix, std::wstring_view text, std::size_t kept) {
  std::vector<std::wstring_view> names;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(L'\\', at), text.size());
    const auto name = text.substr(at, end - at);
    if (name == L"..") {
      if (names.size() > kept) names.pop_back();
    } else if (!name.empty() && name != L".") {
      names.push_back(name);
    }
    at = end + 1;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) prefix += L'\\';
    prefix += names[i];
  }
  if (names.size() == kept) prefix += L'\\';  // the root of a volume or a share
  return prefix;
}

std::wstring nt_path(const std::filesystem::path& path) { return L"\\??\\" + system_path(path).substr(4); }

struct Opening {
  ACCESS_MASK access;
  ULONG disposition, options;
  DWORD share = share_all;
  PSECURITY_DESCRIPTOR rights = nullptr;
  bool overlapped = false;
};

NTSTATUS create(HANDLE& handle, HANDLE folder, std::wstring_view name, const Opening& opening) {
  constexpr std::size_t longest = 32'766;
  if (name.size() > longest) return status_of(0xC0000106);  // STATUS_NAME_TOO_LONG
  UNICODE_STRING text{};
  text.Length = text.MaximumLength = static_cast<USHORT>(name.size() * sizeof(wchar_t));
  text.Buffer = const_cast<PWSTR>(name.data());
  OBJECT_ATTRIBUTES what{};
  what.Length = sizeof what;
  what.RootDirectory = folder;
  what.ObjectName = &text;
  what.Attributes = OBJ_CASE_INSENSITIVE;
  what.SecurityDescriptor = opening.rights;
  IO_STATUS_BLOCK io{};
  const ULONG waits = opening.overlapped ? 0 : FILE_SYNCHRONOUS_IO_NONALERT;
  return ::NtCreateFile(&handle, opening.access | FILE_READ_ATTRIBUTES | SYNCHRONIZE, &what, &io, nullptr,
                        FILE_ATTRIBUTE_NORMAL, opening.share, opening.disposition, opening.options | waits,
                        nullptr, 0);
}

// Kept by a driver in its own way: as what it is, it is seen by way of that driver only.
bool is_for_a_driver(HANDLE handle) {
  FILE_ATTRIBUTE_TAG_INFO info{};
  return ::GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &info, sizeof info) &&
         (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
         !is_link(info.FileAttributes, info.ReparseTag);
}

Result<Handle> opened(HANDLE folder, std::wstring_view name, Opening opening) {
  HANDLE handle = INVALID_HANDLE_VALUE;
  if (const auto status = create(handle, folder, name, opening); status < 0)
    return std::unexpected(error_of_status(status));
  auto found = owned(handle);
  const bool may_be_a_drivers =
      opening.disposition == FILE_OPEN && (opening.options & FILE_OPEN_REPARSE_POINT) != 0;
  if (!may_be_a_drivers || !is_for_a_driver(handle)) return found;
  opening.options &= ~ULONG{FILE_OPEN_REPARSE_POINT};
  const auto status = create(handle, folder, name, opening);
  if (status == tag_not_handled) return found;  // no such driver: a socket or FIFO of WSL
  if (status < 0) return std::unexpected(error_of_status(status));
  return owned(handle);
}

// Not through a link that has the name already.
ULONG options_of(Make make) {
  return FILE_OPEN_REPARSE_POINT | (make == Make::folder ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE);
}

bool is_folder(HANDLE handle) {
  FILE_STANDARD_INFO info{};
  return ::GetFileInformationByHandleEx(handle, FileStandardInfo, &info, sizeof info) && info.Directory;
}

// NTFS refuses to move a folder in use by the same code as one for which there are no rights.
bool may_move_folder_to(HANDLE folder, std::wstring_view name) {
  const auto end = name.rfind(L'\\');
  const auto parent = folder ? std::wstring_view{} : name.substr(0, end + 1);
  return opened(folder, parent, {FILE_ADD_SUBDIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE}).has_value();
}

struct RenameInformation {  // with flags in class 65, a BOOLEAN in class 10
  ULONG flags;
  HANDLE folder;
  ULONG length;
  WCHAR name[1];
};

NTSTATUS rename(HANDLE handle, HANDLE folder, std::wstring_view name, Onto onto) {
  const auto bytes = name.size() * sizeof(wchar_t);
  std::vector<std::uint64_t> room((sizeof(RenameInformation) + bytes) / sizeof(std::uint64_t) + 1);
  auto& information = *reinterpret_cast<RenameInformation*>(room.data());
  information.folder = folder;
  information.length = static_cast<ULONG>(bytes);
  std::memcpy(information.name, name.data(), bytes);
  const auto size =
      static_cast<ULONG>(std::max(offsetof(RenameInformation, name) + bytes, sizeof information));
  constexpr ULONG replace = 0x1, posix = 0x2, read_only_too = 0x40;
  const bool onto_a_file = onto == Onto::a_file;
  information.flags = onto_a_file ? replace | posix | read_only_too : posix;
  const auto status = set_information(handle, rename_class_ex, &information, size);
  if (!is_unknown(status)) return status;
  information.flags = onto_a_file ? replace : 0;
  return set_information(handle, rename_class, &information, size);
}

void make_writable(HANDLE handle) {
  const auto own = owned(::ReOpenFile(handle, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES, share_all,
                                      FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT));
  FILE_BASIC_INFO info{};
  if (!own || !::GetFileInformationByHandleEx(native(own), FileBasicInfo, &info, sizeof info)) return;
  info.FileAttributes &= ~DWORD{FILE_ATTRIBUTE_READONLY};
  ::SetFileInformationByHandle(native(own), FileBasicInfo, &info, sizeof info);
}

std::error_code write(HANDLE handle, std::span<const std::byte> bytes, std::optional<std::uint64_t> offset) {
  constexpr std::size_t most = 1 << 20;
  while (!bytes.empty()) {
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(offset.value_or(0) & 0xffffffff);
    place.OffsetHigh = static_cast<DWORD>(offset.value_or(0) >> 32);
    DWORD written = 0;
    if (!::WriteFile(handle, bytes.data(), static_cast<DWORD>(std::min(bytes.size(), most)), &written,
                     offset ? &place : nullptr))
      return last_error();
    bytes = bytes.subspan(written);
    if (offset) *offset += written;
  }
  return {};
}

}  // namespace

std::error_code error_of(DWORD error) { return {static_cast<int>(error), category}; }

std::error_code error_of_status(NTSTATUS status) {
  if (status == is_a_directory) return error_of(directory_not_supported);
  if (status == delete_pending) return error_of(ERROR_DELETE_PENDING);
  return error_of(::RtlNtStatusToDosError(status));
}

std::wstring widen(std::string_view utf8) {
  if (utf8.empty()) return {};
  const auto length = static_cast<int>(utf8.size());
  std::wstring text(utf8.size(), L'\0');  // UTF-16 never has more units
  const auto size =
      ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), length, text.data(), length);
  if (size == 0) throw std::system_error(last_error(), "a name is not UTF-8");
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> narrow(std::wstring_view utf16) {
  if (utf16.empty()) return std::string();
  std::string text(utf16.size() * 3, '\0');
  const auto size =
      ::WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, utf16.data(), static_cast<int>(utf16.size()),
                            text.data(), static_cast<int>(text.size()), nullptr, nullptr);
  if (size == 0) return {};
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::wstring system_path(const std::filesystem::path& path) {
  auto text = path.native();
  std::ranges::replace(text, L'/', L'\\');
  if (text.starts_with(L"\\\\?\\") || text.starts_with(L"\\\\.\\")) return text;
  text = absolute(std::move(text));
  if (text.starts_with(L"\\\\?\\") || text.starts_with(L"\\\\.\\")) return text;
  if (text.starts_with(L"\\\\")) return cleaned(L"\\\\?\\UNC\\", std::wstring_view(text).substr(2), 2);
  return cleaned(L"\\\\?\\", text, 1);
}

Result<Handle> open_path(const std::filesystem::path& path, ACCESS_MASK access, Last last, DWORD share) {
  return opened(nullptr, nt_path(path),
                {access, FILE_OPEN, last == Last::itself ? ULONG{FILE_OPEN_REPARSE_POINT} : 0, share});
}

Result<Handle> make_path(const std::filesystem::path& path, ACCESS_MASK access, Make make,
                         PSECURITY_DESCRIPTOR rights) {
  return opened(nullptr, nt_path(path), {access, FILE_CREATE, options_of(make), share_all, rights});
}

Result<Handle> open_at(HANDLE folder, std::wstring_view name, ACCESS_MASK access, ULONG options) {
  return opened(folder, name, {access, FILE_OPEN, options | FILE_OPEN_REPARSE_POINT});
}

Result<Handle> make_at(HANDLE folder, std::wstring_view name, ACCESS_MASK access, Make make,
                       PSECURITY_DESCRIPTOR rights) {
  return opened(folder, name, {access, FILE_CREATE, options_of(make), share_all, rights});
}

Result<Handle> reopen_overlapped(HANDLE folder, ACCESS_MASK access) {
  return opened(folder, {}, {access, FILE_OPEN, FILE_DIRECTORY_FILE, share_all, nullptr, true});
}

std::error_code rename_to(HANDLE handle, HANDLE folder, std::wstring_view name, Onto onto) {
  const bool full = name.starts_with(L"\\\\?\\");
  const auto place = full ? L"\\??\\" + std::wstring(name.substr(4)) : std::wstring(name);
  const auto status = rename(handle, folder, place, onto);
  if (status >= 0) return {};
  if (status == access_denied && is_folder(handle) && may_move_folder_to(folder, place))
    return error_of_status(sharing_violation);
  return error_of_status(status);
}

std::error_code remove_by(HANDLE handle) noexcept {
  ULONG flags = 0x1 | 0x2 | 0x10;  // delete, as POSIX has it, what is read-only too
  auto status = set_information(handle, disposition_class_ex, &flags, sizeof flags);
  if (is_unknown(status)) {
    make_writable(handle);
    BOOLEAN away = TRUE;
    status = set_information(handle, disposition_class, &away, sizeof away);
  }
  return status < 0 ? error_of_status(status) : std::error_code();
}

// Some servers of shares refuse to say how the folders above are written: there it is the name by which it
// was opened.
Result<std::wstring> final_path(HANDLE handle, Volume volume) {
  const DWORD form = volume == Volume::named ? VOLUME_NAME_DOS : VOLUME_NAME_NONE;
  std::wstring path(512, L'\0');
  for (DWORD opened_name = FILE_NAME_NORMALIZED;;) {
    const auto room = static_cast<DWORD>(path.size());
    const auto size = ::GetFinalPathNameByHandleW(handle, path.data(), room, form | opened_name);
    if (size == 0 && opened_name == FILE_NAME_OPENED) return std::unexpected(last_error());
    if (size == 0) opened_name = FILE_NAME_OPENED;
    if (size != 0) path.resize(size);
    if (size != 0 && size < room) return path;
  }
}

std::error_code flush(HANDLE handle) { return ::FlushFileBuffers(handle) ? std::error_code() : last_error(); }

std::error_code write_at(HANDLE handle, std::span<const std::byte> bytes, std::uint64_t offset) {
  return write(handle, bytes, offset);
}

std::error_code append_to(HANDLE handle, std::span<const std::byte> bytes) {
  return write(handle, bytes, {});
}

}  // namespace storage
