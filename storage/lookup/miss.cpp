#include "storage/lookup/miss.hpp"

namespace storage {

std::string_view cause_name(Cause cause) {
  switch (cause) {
    case Cause::empty_name:
      return "EMPTY_NAME";
    case Cause::escapes_root:
      return "ESCAPES_ROOT";
    case Cause::leads_out:
      return "LEADS_OUT";
    case Cause::is_directory:
      return "IS_DIRECTORY";
    case Cause::unreadable:
      return "UNREADABLE";
    case Cause::wrong_case:
      return "WRONG_CASE";
    case Cause::lookalike:
      return "LOOKALIKE";
    case Cause::being_imported:
      return "BEING_IMPORTED";
    case Cause::not_unpacked:
      return "NOT_UNPACKED";
    case Cause::family_missing:
      return "FAMILY_MISSING";
    case Cause::no_such_release:
      return "NO_SUCH_RELEASE";
    case Cause::wrong_directory:
      return "WRONG_DIRECTORY";
    case Cause::write_refused:
      return "WRITE_REFUSED";
    case Cause::read_refused:
      return "READ_REFUSED";
    case Cause::not_found:
      break;
  }
  return "NOT_FOUND";
}

}  // namespace storage
