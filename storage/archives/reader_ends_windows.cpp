#include "storage/archives/reader_ends.hpp"

#include <algorithm>

#include "storage/files/file_windows.hpp"

namespace storage {

Result<File> given_archive() {
  const HANDLE archive = ::GetStdHandle(STD_INPUT_HANDLE);
  const auto attributes = attributes_of(archive);
  if (!attributes) return std::unexpected(attributes.error());
  return File(owned(archive), *attributes);
}

void give_answer(std::span<const std::byte> head, std::span<const std::byte> bytes) {
  const HANDLE answer = ::GetStdHandle(STD_OUTPUT_HANDLE);
  for (auto piece : {head, bytes}) {
    while (!piece.empty()) {
      DWORD written = 0;
      const auto size = static_cast<DWORD>(std::min<std::size_t>(piece.size(), 1 << 20));
      if (!::WriteFile(answer, piece.data(), size, &written, nullptr)) end_reader(1);
      piece = piece.subspan(written);
    }
  }
}

int number_of(const std::error_code& error) {
  return error.category() == std::generic_category() ? ERROR_READ_FAULT : error.value();
}

void end_reader(int status) {
  ::TerminateProcess(::GetCurrentProcess(), static_cast<UINT>(status));
  std::abort();  // not reached
}

}  // namespace storage
