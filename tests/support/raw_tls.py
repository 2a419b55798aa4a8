"""TLS by libssl itself: what no client's library offers, such as to change keys again and again."""
import contextlib
import ctypes
import socket
import threading

NOT_ASKED_BACK, ASKED_BACK = 0, 1  # whether the other side is to change its keys, too


def _library():
    ssl = ctypes.CDLL("libssl.so.3")
    pointer, number = ctypes.c_void_p, ctypes.c_int
    for name, result, arguments in (
            ("TLS_client_method", pointer, []), ("SSL_CTX_new", pointer, [pointer]), ("SSL_CTX_free", None, [pointer]),
            ("SSL_new", pointer, [pointer]), ("SSL_free", None, [pointer]), ("SSL_set_fd", number, [pointer, number]),
            ("SSL_connect", number, [pointer]), ("SSL_do_handshake", number, [pointer]),
            ("SSL_key_update", number, [pointer, number]), ("SSL_write", number, [pointer, ctypes.c_char_p, number])):
        function = getattr(ssl, name)
        function.restype, function.argtypes = result, arguments
    return ssl


class RawTls:
    """A client's side, on a connected socket that blocks. Makes records, and does not send them."""

    def __init__(self, connected):
        self.ssl = _library()
        self.context = self.ssl.SSL_CTX_new(self.ssl.TLS_client_method())
        self.connection = self.ssl.SSL_new(self.context)
        self.ssl.SSL_set_fd(self.connection, connected.fileno())
        if self.ssl.SSL_connect(self.connection) != 1:
            self.close()
            raise OSError("the handshake failed")

    def close(self):
        self.ssl.SSL_free(self.connection)
        self.ssl.SSL_CTX_free(self.context)

    def _made_by(self, make):
        ours, other = socket.socketpair()
        made = bytearray()

        def collect():
            while some := other.recv(1 << 20):
                made.extend(some)

        with contextlib.closing(other), contextlib.closing(ours):
            collector = threading.Thread(target=collect)
            collector.start()
            self.ssl.SSL_set_fd(self.connection, ours.fileno())
            make()
            ours.shutdown(socket.SHUT_WR)
            collector.join()
        return bytes(made)

    def new_keys(self, count, asked_back=NOT_ASKED_BACK):
        def make():
            for _ in range(count):
                assert self.ssl.SSL_key_update(self.connection, asked_back) == 1
                assert self.ssl.SSL_do_handshake(self.connection) == 1
        return self._made_by(make)

    def data(self, text, each):
        """`text` in records of `each` bytes."""
        def make():
            for begin in range(0, len(text), each):
                some = text[begin:begin + each]
                assert self.ssl.SSL_write(self.connection, some, len(some)) == len(some)
        return self._made_by(make)
