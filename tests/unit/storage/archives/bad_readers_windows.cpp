#include <windows.h>

#include "tests/unit/storage/archives/bad_readers.hpp"

namespace test {

BadReaders bad_readers_of_system() {
  return {
      {"dies",
       []() -> int {
         ::TerminateProcess(::GetCurrentProcess(), STATUS_ACCESS_VIOLATION);
         return 0;
       }},
      {"sleeps",
       []() -> int {
         for (;;) ::Sleep(INFINITE);
       }},
      {"knows handles",
       [] {
         const bool knows_terminal = ::GetStdHandle(STD_ERROR_HANDLE) != nullptr;
         if (knows_terminal) return say(storage::FrameKind::rejected, "it has something of the caller's");
         return say(storage::FrameKind::format, {"\x04", 1});
       }},
  };
}

}  // namespace test
