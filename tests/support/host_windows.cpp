#include <stdlib.h>
#include <windows.h>

#include "tests/support/host.hpp"

namespace test {

// wine says that it has made one, and has not.
bool make_link(const std::filesystem::path& target, const std::filesystem::path& link) {
  std::error_code error;
  const auto place = target.is_absolute() ? target : link.parent_path() / target;
  const DWORD folder = std::filesystem::is_directory(place, error) ? SYMBOLIC_LINK_FLAG_DIRECTORY : DWORD{0};
  auto text = target;
  return ::CreateSymbolicLinkW(link.c_str(), text.make_preferred().c_str(),
                               folder | SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE) &&
         ::GetFileAttributesW(link.c_str()) != INVALID_FILE_ATTRIBUTES;
}

bool make_fifo(const std::filesystem::path&) { return false; }

bool set_mode(const std::filesystem::path&, unsigned) { return false; }

std::optional<unsigned> mode_of(const std::filesystem::path&) { return {}; }

std::filesystem::path place_of(const storage::Handle& file) {
  std::wstring place(32'768, L'\0');
  place.resize(::GetFinalPathNameByHandleW(reinterpret_cast<HANDLE>(file.get()), place.data(),
                                           static_cast<DWORD>(place.size()), VOLUME_NAME_DOS));
  constexpr std::wstring_view prefix = L"\\\\?\\";
  if (place.starts_with(prefix)) place.erase(0, prefix.size());
  return place;
}

void set_variable(const std::string& name, const std::optional<std::string>& value) {
  ::_putenv_s(name.c_str(), value.value_or("").c_str());
}

}  // namespace test
