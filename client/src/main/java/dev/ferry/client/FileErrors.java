package dev.ferry.client;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** Why a file cannot be read, in words: the exceptions' own messages are mostly the path once more. */
final class FileErrors {
    private FileErrors() {}

    static String why(IOException error) {
        if (error instanceof NoSuchFileException) {
            return "no such file";
        }
        if (error instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (error instanceof CharacterCodingException) {
            return "not UTF-8 text";
        }
        return String.valueOf(error.getMessage());
    }
}
